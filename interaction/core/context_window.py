"""The closed turns of a conversation that its context still reaches, and what they cost."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from interaction.core.config import ConversationConfig
from interaction.core.turn import Turn
from interaction.core.types import Message

CHARACTERS_PER_TOKEN = 4
"""ASCII characters in a token. Other scripts are counted a token a character: rather too many."""
MESSAGE_OVERHEAD = 4
"""Tokens that a message costs beyond its text."""
COUNT_WEIGHT = 0.5
"""How far one count of the provider's moves the estimate, 0..1."""
MIN_FACTOR, MAX_FACTOR = 0.25, 4.0
"""No count moves the estimate's factor beyond these."""


class TokenEstimate:
    """How many tokens messages cost a language model: a plain estimate times a factor, which the
    provider's own counts correct. No tokenizer is needed."""

    def __init__(self) -> None:
        self.factor = 1.0

    def tokens(self, messages: Iterable[Message]) -> float:
        return self.factor * sum(map(_plain_estimate, messages))

    def correct(self, messages: Iterable[Message], counted: int) -> None:
        """The provider counted ``counted`` tokens for these messages."""
        plain = sum(map(_plain_estimate, messages))
        if plain > 0 and counted > 0:
            factor = min(max(counted / plain, MIN_FACTOR), MAX_FACTOR)
            self.factor += COUNT_WEIGHT * (factor - self.factor)


def _plain_estimate(message: Message) -> float:
    text = message.content + "".join(call.name + call.arguments for call in message.tool_calls)
    ascii_only = sum(character < "\x80" for character in text)
    tokens = ascii_only / CHARACTERS_PER_TOKEN + len(text) - ascii_only
    return MESSAGE_OVERHEAD + tokens


class ContextWindow:
    """Keeps as many closed turns as the context may reach back: a long session costs no more than
    a short one. What is learnt of a turn after it closed is still noted here."""

    def __init__(self, config: ConversationConfig) -> None:
        self.config = config
        self.estimate = TokenEstimate()
        self.count = 0
        """Turns closed so far, those included that the context no longer reaches."""
        self._turns: deque[Turn] = deque(maxlen=config.context_turns)

    def __iter__(self) -> Iterator[Turn]:
        """The newest first: what comes late is mostly about the turn just closed."""
        return reversed(self._turns)

    def add(self, turn: Turn) -> None:
        self._turns.append(turn)
        self.count += 1

    def messages(self, live: Turn | None) -> tuple[Message, ...]:
        """The system prompt, as many whole turns before as the budget allows, the live turn."""
        prompt = self.config.system_prompt
        first = [Message("system", prompt)] if prompt else []
        parts = [_Part.of(live)] if live else []
        budget = self.config.context_tokens - self.estimate.tokens(first)
        budget -= sum(self.estimate.tokens(part.messages) for part in parts)
        for part in self._earlier():
            budget -= self.estimate.tokens(part.messages)
            if budget < 0:
                break
            parts.append(part)
        return (*first, *_joined(reversed(parts)))

    @property
    def goes_on(self) -> bool:
        """Whether a spoken turn that follows now goes on with the words of the one before."""
        return bool(self._turns) and self._turns[-1].goes_on

    def _earlier(self) -> Iterator[_Part]:
        """The closed turns, the newest first."""
        for turn in self:
            yield _Part.of(turn)
        if self.count <= len(self._turns):  # else it is further back than the context reaches
            yield from (_Part(group) for group in reversed(_groups(self.config.history)))


@dataclass(frozen=True, slots=True)
class _Part:
    """What a turn has in the context."""

    messages: list[Message]
    spoken: bool = False
    goes_on: bool = False
    """As ``Turn.goes_on``."""

    @classmethod
    def of(cls, turn: Turn) -> _Part:
        return cls(turn.messages(), turn.kind == "speech", turn.goes_on)


def _joined(parts: Iterable[_Part]) -> list[Message]:
    """The messages of the parts in order. What was said in several turns before a reply was heard
    is one message: to who listens, it was one turn."""
    messages: list[Message] = []
    goes_on = False
    for part in parts:
        if not part.messages:
            continue
        if goes_on and part.spoken and part.messages[0].role == "user":
            messages[-1] = messages[-1].followed_by(part.messages[0].content)
            messages += part.messages[1:]
        else:
            messages += part.messages
        goes_on = part.goes_on
    return messages


def _groups(messages: Iterable[Message]) -> list[list[Message]]:
    """Messages that only make sense together: a tool's call and its result."""
    groups: list[list[Message]] = []
    for message in messages:
        if message.role == "tool" and groups:
            groups[-1].append(message)
        else:
            groups.append([message])
    return groups

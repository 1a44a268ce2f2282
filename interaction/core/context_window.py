"""The closed turns of a conversation: the context of the next one, and a place for late facts."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from uuid import UUID

from interaction.core.config import ConversationConfig
from interaction.core.token_estimate import TokenEstimate
from interaction.core.turn import Turn
from interaction.core.types import Message


class ContextWindow:
    """Keeps as many turns as the context may reach back: a long session costs no more than a
    short one."""

    def __init__(self, config: ConversationConfig) -> None:
        self.config = config
        self._turns: deque[Turn] = deque(maxlen=config.context_turns)
        self.estimate = TokenEstimate()
        self.count = 0
        """Turns closed so far, those included that the context no longer reaches."""

    def __iter__(self) -> Iterator[Turn]:
        """The newest first: a late fact is mostly about the turn just closed."""
        return reversed(self._turns)

    def add(self, turn: Turn) -> None:
        self._turns.append(turn)
        self.count += 1

    def by_reply(self, reply_id: UUID) -> Turn | None:
        return next((t for t in self if t.reply and t.reply.id == reply_id), None)

    def by_id(self, turn_id: UUID) -> Turn | None:
        return next((t for t in self if t.id == turn_id), None)

    def context(self, live: Turn | None) -> tuple[Message, ...]:
        """The system prompt, as many whole turns before as the budget allows, the live turn."""
        prompt = self.config.system_prompt
        first = [Message("system", prompt)] if prompt else []
        last = live.messages() if live else []
        left = self.config.context_tokens - self.estimate.tokens([*first, *last])
        between: list[Message] = []
        for messages in self._groups():
            left -= self.estimate.tokens(messages)
            if left < 0:
                break
            between = messages + between
        return (*first, *between, *last)

    def _groups(self) -> Iterator[list[Message]]:
        """What was said before, a turn at a time, the newest first."""
        for turn in self:
            yield turn.messages()
        if self.count <= len(self._turns):  # else it is further back than the context reaches
            for message in reversed(self.config.history):
                yield [message]

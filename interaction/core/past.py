"""The closed turns of a conversation: the context of the next one, and a place for late facts."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from uuid import UUID

from interaction.core.signals import ConversationConfig, Message
from interaction.core.turn import Turn

CONTEXT_TURNS = 40
"""Turns that the context reaches back."""


class Past:
    def __init__(self) -> None:
        self._turns: deque[Turn] = deque(maxlen=CONTEXT_TURNS)
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

    def context(self, config: ConversationConfig, live: Turn | None) -> tuple[Message, ...]:
        """System prompt, then everything said and heard so far, the live turn last."""
        messages = list(config.history)
        if config.system_prompt:
            messages.insert(0, Message("system", config.system_prompt))
        for turn in [*self._turns, *([live] if live else [])]:
            messages += turn.messages()
        return tuple(messages)

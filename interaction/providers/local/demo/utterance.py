"""The person's last utterance, and strategies that answer it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from interaction.core.types import Message

_NOT_WORDS = re.compile(r"[^\w'’.+*/^()%-]+|(?<!\d)[.]|[.](?!\d)")
_OPENINGS = re.compile(r"^(?:(?:um|uh|er|well|so|okay|ok|please|and|oh|hey|now)\s+)+")


@dataclass(frozen=True)
class Utterance:
    """The person's last words, with everything that was said before."""

    text: str
    before: Sequence[Message]
    now: datetime

    @cached_property
    def plain(self) -> str:
        """Lower case, without punctuation: recognisers write so, and people type otherwise."""
        return plain(self.text)

    def matches(self, pattern: str) -> bool:
        return re.search(pattern, self.plain) is not None

    def earlier(self, role: str) -> list[str]:
        """What this side said before, the latest first."""
        return [message.content for message in reversed(self.before) if message.role == role]


Strategy = Callable[[Utterance], str | None]
"""Answers what it knows about, and returns None for everything else."""


def plain(text: str) -> str:
    text = _NOT_WORDS.sub(" ", text.replace("’", "'").lower())
    return _OPENINGS.sub("", " ".join(text.split()))

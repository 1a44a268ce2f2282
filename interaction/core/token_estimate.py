"""How much a message costs a language model, estimated and set right by the provider's counts."""

from __future__ import annotations

from collections.abc import Iterable

from interaction.core.types import Message

CHARACTERS_A_TOKEN = 4
"""Of ASCII text. Other scripts are counted a token a character, which errs on the dear side."""
OVERHEAD = 4
"""Tokens a message costs beyond its text."""
TRUST = 0.5
"""How far one count of the provider's moves the estimate."""
LEAST, MOST = 0.25, 4.0
"""No count moves the estimate beyond these."""


class TokenEstimate:
    """Nothing is downloaded for it and nothing counted twice: a division, and a factor."""

    def __init__(self) -> None:
        self.factor = 1.0

    def tokens(self, messages: Iterable[Message]) -> float:
        return self.factor * sum(map(_plain, messages))

    def learn(self, messages: Iterable[Message], counted: int) -> None:
        """The provider counted so many tokens for these messages."""
        plain = sum(map(_plain, messages))
        if plain > 0 and counted > 0:
            seen = min(max(counted / plain, LEAST), MOST)
            self.factor += TRUST * (seen - self.factor)


def _plain(message: Message) -> float:
    ascii_only = sum(character < "\x80" for character in message.content)
    return OVERHEAD + ascii_only / CHARACTERS_A_TOKEN + len(message.content) - ascii_only

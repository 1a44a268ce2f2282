"""What clients are told of providers that do not serve a session's language."""

from __future__ import annotations

from dataclasses import asdict
from typing import Literal, Self

from interaction.credentials import language_support
from interaction.sessions.settings import WireModel


class LanguageWarning(WireModel):
    """A stage that cannot do its work in the session's language. The session can be used all the
    same: what is typed is answered."""

    code: Literal["language_not_heard", "language_not_written"]
    """`language_not_heard`: what is spoken is not understood; `language_not_written`: the language
    model does not know the language."""
    stage: Literal["stt", "llm", "tts"]
    """Which stage cannot do its work."""
    message: str
    """For people: who does not serve the language, and what would help."""

    @classmethod
    def of(cls, warning: language_support.LanguageWarning) -> Self:
        return cls(**asdict(warning))

"""Turns whose end is found by the words as much as by silence.

Silence still ends them, but how much of it is needed follows from what was said: a question is
answered soon, after a dangling word or half a number the person is given time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from interaction.core.turn_taking.detection import TurnDetectionBase
from interaction.core.turn_taking.outlook import Outlook, outlook
from interaction.core.turn_taking.speech_activity import SpeechActivity
from interaction.core.turn_taking.strategy import End, EndStrategy, Strategies, Verdict
from interaction.core.turn_taking.turn_limits import TurnLimits
from interaction.core.turn_taking.vad import STALLED_S, SpeechStart, speech_overlap
from interaction.core.types import BargeIn

Eagerness = Literal["low", "medium", "high", "auto"]
"""In OpenAI's words: ``low`` waits longest, ``auto`` is ``medium``."""

_MEDIUM: Mapping[Outlook, int] = {
    Outlook.FINISHED: 416,
    Outlook.UNKNOWN: 512,
    Outlook.DOUBTFUL: 900,
    Outlook.NUMBER: 1_000,
    Outlook.UNFINISHED: 1_600,
}
SILENCE_MS: Mapping[Eagerness, Mapping[Outlook, int]] = {
    "low": {look: round(ms * 1.6) for look, ms in _MEDIUM.items()},
    "medium": _MEDIUM,
    "high": {look: round(ms * 0.7) for look, ms in _MEDIUM.items()},
    "auto": _MEDIUM,
}
"""Silence that ends a turn, by how its words sound."""
UNHEARD_MS: Mapping[Eagerness, int] = {"low": 1_000, "medium": 600, "high": 400, "auto": 600}
"""The same where no words are known before the end, as with recognisers that do not stream."""


@dataclass(frozen=True, slots=True)
class SemanticTurnDetection(TurnDetectionBase):
    choices: ClassVar[tuple[str, ...]] = ()

    eagerness: Eagerness = "auto"
    eager_silence_ms: int | None = None
    """As in ``VadTurnDetection``; never while the words sound unfinished."""
    language: str = ""
    """BCP 47, of what is said; empty: it is seen from the script."""
    kind: Literal["semantic"] = "semantic"

    def make_strategies(self, speech: SpeechActivity, *, barge_in: BargeIn) -> Strategies:
        return Strategies(
            SpeechStart(speech, self),
            SemanticEnd(speech, self),
            speech_overlap(speech, self, barge_in, self.language),
        )


class SemanticEnd(EndStrategy):
    """A turn ends after a silence that its latest words ask for."""

    def __init__(self, speech: SpeechActivity, detection: SemanticTurnDetection) -> None:
        self._speech = speech
        self._detection = detection
        self._limits = TurnLimits(speech, detection.max_turn_ms, STALLED_S)
        self._outlook: Outlook | None = None

    def on_turn_opened(self, now: float) -> None:
        self._limits.on_turn_opened(now)
        self._outlook = None

    def on_transcript(self, text: str, now: float, *, final: bool) -> None:
        self._outlook = outlook(text, self._detection.language) if text.strip() else None

    @property
    def silence_ms(self) -> int:
        """Silence that ends the open turn, as far as its words are known."""
        if self._outlook is None:
            return UNHEARD_MS[self._detection.eagerness]
        return SILENCE_MS[self._detection.eagerness][self._outlook]

    def decide(self, now: float) -> Verdict[End]:
        limit = self._limits.reached_at
        if now >= limit or self._speech.silent_for(self.silence_ms):
            return Verdict(End.END)
        eager_ms = self._detection.eager_silence_ms
        complete = self._outlook in (None, Outlook.FINISHED, Outlook.UNKNOWN)
        may_have_ended = complete and eager_ms is not None and self._speech.silent_for(eager_ms)
        return Verdict(End.PREPARE if may_have_ended else End.GO_ON, limit)

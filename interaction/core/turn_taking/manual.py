"""Push to talk: speech opens a turn, the client's commit ends it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from interaction.core.turn_taking.detection import TurnDetectionBase
from interaction.core.turn_taking.speech_activity import SpeechActivity
from interaction.core.turn_taking.strategy import Strategies
from interaction.core.turn_taking.turn_limits import CommitEnd
from interaction.core.turn_taking.vad import SpeechOverlap, SpeechStart
from interaction.core.types import BargeIn

STALLED_S = 10.0
"""A client that sends no audio for so long, and no commit, has forgotten the open turn."""


@dataclass(frozen=True, slots=True)
class ManualTurnDetection(TurnDetectionBase):
    """Whoever holds the button means to speak: it interrupts, even with barge-in off."""

    choices: ClassVar[tuple[str, ...]] = ("manual",)

    kind: Literal["manual"] = "manual"

    def make_strategies(self, speech: SpeechActivity, *, barge_in: BargeIn) -> Strategies:
        return Strategies(
            SpeechStart(speech, self),
            CommitEnd(speech, self.max_turn_ms, STALLED_S),
            SpeechOverlap(speech, self, barge_in="immediate"),
        )

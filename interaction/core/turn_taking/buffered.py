"""No turn detection: the client's commit makes a turn of all audio since the commit before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from interaction.core.turn_taking.detection import TurnDetectionBase
from interaction.core.turn_taking.speech_activity import SpeechActivity
from interaction.core.turn_taking.strategy import (
    Overlap,
    OverlapStrategy,
    ReplyProgress,
    Start,
    StartStrategy,
    Strategies,
    TurnOpening,
    Verdict,
)
from interaction.core.turn_taking.turn_limits import CommitEnd
from interaction.core.types import FRAME_MS, BargeIn, Frame

LONGEST_KEPT_MS = 120_000
"""Audio that is kept for a commit; of more, the oldest is dropped."""


@dataclass(frozen=True, slots=True)
class BufferedTurnDetection(TurnDetectionBase):
    """A commit makes a turn of the audio so far, whether or not somebody speaks in it; speech
    interrupts nothing. Where nobody is being replied to, speech opens the turn before its commit
    comes, so that it is transcribed by then."""

    commit_opens_turn: ClassVar[bool] = True

    kind: Literal["none"] = "none"

    def make_strategies(self, speech: SpeechActivity, *, barge_in: BargeIn) -> Strategies:
        start = BufferedStart(speech, self)
        return Strategies(
            start, CommitEnd(speech, self.max_turn_ms, stalled_s=None), BufferedOverlap(start)
        )


class BufferedStart(StartStrategy):
    """Speech opens the turn that a commit would. Until there is some, all audio is kept; then
    that from a little before the first speech on."""

    def __init__(self, speech: SpeechActivity, detection: BufferedTurnDetection) -> None:
        self._speech = speech
        self._detection = detection
        self.speech_found = False
        self._speech_started_at: float | None = None
        self._kept_ms = LONGEST_KEPT_MS

    @property
    def keep_ms(self) -> int:
        return self._kept_ms

    def on_frame(self, frame: Frame, now: float) -> None:
        if self.speech_found:
            self._kept_ms = min(self._kept_ms + FRAME_MS, LONGEST_KEPT_MS)
        elif self._speech.run_ms >= self._detection.min_speech_ms:
            self.speech_found = True
            self._speech_started_at = self._speech.run_started_at
            self._kept_ms = self._detection.prefix_ms + self._speech.run_ms

    def decide(self, now: float) -> Verdict[Start]:
        return Verdict(Start.START if self.speech_found else Start.WAIT)

    def opening(self, now: float) -> TurnOpening:
        return TurnOpening(self._kept_ms, self._speech_started_at)

    def discard(self) -> None:
        # What goes on after it belongs to the next commit.
        self._speech.discard_run(rest=False)
        self.speech_found, self._speech_started_at = False, None
        self._kept_ms = LONGEST_KEPT_MS


class BufferedOverlap(OverlapStrategy):
    """Speech waits until all of the reply has been sent: then it opens the next turn."""

    def __init__(self, start: BufferedStart) -> None:
        self._start = start

    def decide(self, reply: ReplyProgress, now: float) -> Verdict[Overlap]:
        is_next = self._start.speech_found and reply in (ReplyProgress.SENT, ReplyProgress.ENDING)
        return Verdict(Overlap.INTERRUPT if is_next else Overlap.HOLD)

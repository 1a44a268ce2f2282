"""Turns found by voice activity: speech of some length opens one, silence ends it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from interaction.core.turn_taking.considered import ConsideredOverlap
from interaction.core.turn_taking.detection import TurnDetectionBase
from interaction.core.turn_taking.speech_activity import SpeechActivity
from interaction.core.turn_taking.strategy import (
    End,
    EndStrategy,
    Overlap,
    OverlapStrategy,
    ReplyProgress,
    Start,
    StartStrategy,
    Strategies,
    TurnOpening,
    Verdict,
)
from interaction.core.turn_taking.turn_limits import TurnLimits
from interaction.core.types import FRAME_MS, BargeIn

STALLED_S = 1.5
"""A microphone that sends nothing for so long has been muted: the open turn ends."""


@dataclass(frozen=True, slots=True)
class VadTurnDetection(TurnDetectionBase):
    choices: ClassVar[tuple[str, ...]] = ("vad",)

    silence_ms: int = 600
    """Silence that ends the turn."""
    eager_silence_ms: int | None = None
    """Silence after which the reply is prepared, before the turn is sure to have ended."""
    kind: Literal["vad"] = "vad"

    def make_strategies(self, speech: SpeechActivity, *, barge_in: BargeIn) -> Strategies:
        return Strategies(
            SpeechStart(speech, self),
            SilenceEnd(speech, self),
            speech_overlap(speech, self, barge_in),
        )


class SpeechStart(StartStrategy):
    """A turn starts with speech that lasts for ``min_speech_ms``."""

    def __init__(self, speech: SpeechActivity, detection: TurnDetectionBase) -> None:
        self._speech = speech
        self._detection = detection

    @property
    def keep_ms(self) -> int:
        detection = self._detection
        longest = max(detection.min_speech_ms, detection.min_barge_in_ms, self._speech.run_ms)
        return detection.prefix_ms + self._speech.held_ms + longest + FRAME_MS

    def decide(self, now: float) -> Verdict[Start]:
        long_enough = self._speech.run_ms >= self._detection.min_speech_ms
        return Verdict(Start.START if long_enough else Start.WAIT)

    def opening(self, now: float) -> TurnOpening:
        audio_ms = self._detection.prefix_ms + self._speech.held_ms + self._speech.run_ms
        return TurnOpening(audio_ms, self._speech.run_started_at)

    def discard(self) -> None:
        self._speech.discard_run(rest=True)


class SilenceEnd(EndStrategy):
    """A turn has ended after ``silence_ms``, and may have after ``eager_silence_ms``."""

    def __init__(self, speech: SpeechActivity, detection: VadTurnDetection) -> None:
        self._speech = speech
        self._detection = detection
        self._limits = TurnLimits(speech, detection.max_turn_ms, STALLED_S)

    def on_turn_opened(self, now: float) -> None:
        self._limits.on_turn_opened(now)

    def decide(self, now: float) -> Verdict[End]:
        limit, eager_ms = self._limits.reached_at, self._detection.eager_silence_ms
        if now >= limit or self._speech.silent_for(self._detection.silence_ms):
            return Verdict(End.END)
        may_have_ended = eager_ms is not None and self._speech.silent_for(eager_ms)
        return Verdict(End.PREPARE if may_have_ended else End.GO_ON, limit)


class SpeechOverlap(OverlapStrategy):
    """Speech over a reply that can be heard interrupts it after ``min_barge_in_ms``; where there
    is nothing to be heard yet, a turn starts as any other does. With barge-in off, who begins
    before the reply's end and goes on past it is heard then."""

    def __init__(
        self, speech: SpeechActivity, detection: TurnDetectionBase, *, barge_in: BargeIn
    ) -> None:
        self._speech = speech
        self._detection = detection
        self._barge_in = barge_in

    def decide(self, reply: ReplyProgress, now: float) -> Verdict[Overlap]:
        if self._barge_in == "off" and reply is not ReplyProgress.NONE:
            return Verdict(Overlap.WAIT)
        audible = reply not in (ReplyProgress.NONE, ReplyProgress.PENDING)
        detection = self._detection
        needed = detection.min_barge_in_ms if audible else detection.min_speech_ms
        long_enough = self._speech.run_ms >= needed
        return Verdict(Overlap.INTERRUPT if long_enough else Overlap.HOLD)


def speech_overlap(
    speech: SpeechActivity, detection: TurnDetectionBase, barge_in: BargeIn, language: str = ""
) -> OverlapStrategy:
    """``language``: BCP 47, of what is said; empty: not known."""
    if barge_in == "considered":
        return ConsideredOverlap(speech, detection, language)
    return SpeechOverlap(speech, detection, barge_in=barge_in)

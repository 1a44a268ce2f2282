"""Turns that the engine finds: it reports ``EngineSpeechStarted`` and ``EngineSpeechStopped``."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import ClassVar, Literal

from interaction.core.events import EngineSpeechStarted
from interaction.core.turn_taking.detection import TurnDetectionBase
from interaction.core.turn_taking.semantic import Eagerness, SemanticTurnDetection
from interaction.core.turn_taking.speech_activity import SpeechActivity
from interaction.core.turn_taking.strategy import (
    End,
    EndStrategy,
    EngineSpeechEvent,
    Overlap,
    OverlapStrategy,
    ReplyProgress,
    Start,
    Strategies,
    TurnOpening,
    Verdict,
)
from interaction.core.turn_taking.turn_limits import TurnLimits
from interaction.core.turn_taking.vad import SpeechStart, VadTurnDetection
from interaction.core.types import BargeIn

STALLED_S = 10.0
"""An engine that gets no audio for so long does not find the end of the open turn."""


@dataclass(frozen=True, slots=True)
class EngineTurnDetection(TurnDetectionBase):
    """The numbers are sent to the engine, as far as its provider has settings for them."""

    choices: ClassVar[tuple[str, ...]] = ("server", "semantic")
    engine_detects_turns: ClassVar[bool] = True

    style: Literal["server", "semantic"] = "server"
    """``server``: by silence. ``semantic``: by the words, too."""
    silence_ms: int = 600
    """Silence that ends the turn."""
    eager_silence_ms: int | None = None
    """This and the next two as in ``VadTurnDetection`` and ``SemanticTurnDetection``, which take
    over with an engine that finds no turns."""
    eagerness: Eagerness = "auto"
    language: str = ""
    kind: Literal["engine"] = "engine"

    def make_strategies(self, speech: SpeechActivity, *, barge_in: BargeIn) -> Strategies:
        start = EngineStart(speech, self)
        return Strategies(
            start,
            EngineEnd(speech, self.max_turn_ms),
            EngineOverlap(start, barge_in=barge_in),
        )

    def without_engine(self) -> VadTurnDetection | SemanticTurnDetection:
        if self.style == "semantic":
            return SemanticTurnDetection.from_choice("semantic", asdict(self))
        return VadTurnDetection.from_choice("vad", asdict(self))


class EngineStart(SpeechStart):
    """A turn starts when the engine says so."""

    def __init__(self, speech: SpeechActivity, detection: TurnDetectionBase) -> None:
        super().__init__(speech, detection)
        self.speech_reported = False
        """The engine has found the start of speech, and no turn was opened for it yet."""

    def on_engine_event(self, event: EngineSpeechEvent, now: float) -> None:
        self.speech_reported = isinstance(event, EngineSpeechStarted)

    def decide(self, now: float) -> Verdict[Start]:
        return Verdict(Start.START if self.speech_reported else Start.WAIT)

    def opening(self, now: float) -> TurnOpening:
        opening = super().opening(now)
        return opening if self._speech.speaking else TurnOpening(opening.audio_ms, now)

    def discard(self) -> None:
        super().discard()
        self.speech_reported = False


class EngineEnd(EndStrategy):
    """A turn ends when the engine says so; at its limits without that."""

    def __init__(self, speech: SpeechActivity, max_turn_ms: int) -> None:
        self._limits = TurnLimits(speech, max_turn_ms, STALLED_S)
        self._stopped = False

    def on_turn_opened(self, now: float) -> None:
        self._limits.on_turn_opened(now)
        self._stopped = False

    def on_engine_event(self, event: EngineSpeechEvent, now: float) -> None:
        self._stopped = not isinstance(event, EngineSpeechStarted)

    def decide(self, now: float) -> Verdict[End]:
        limit = self._limits.reached_at
        if self._stopped or now >= limit:
            return Verdict(End.END)
        return Verdict(End.GO_ON, limit)


class EngineOverlap(OverlapStrategy):
    """What the engine finds over a reply is an interruption, unless barge-in is off: it does not
    consider, as it has one input buffer."""

    def __init__(self, start: EngineStart, *, barge_in: BargeIn) -> None:
        self._start = start
        self._barge_in = barge_in

    def decide(self, reply: ReplyProgress, now: float) -> Verdict[Overlap]:
        if self._barge_in == "off" and reply is not ReplyProgress.NONE:
            return Verdict(Overlap.WAIT)
        return Verdict(Overlap.INTERRUPT if self._start.speech_reported else Overlap.HOLD)

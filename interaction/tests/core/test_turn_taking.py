"""The strategies of turn-taking, and the seam that they stand in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, get_args

import pytest
from pydantic import TypeAdapter

from interaction.core.commands import Command, SendText
from interaction.core.config import (
    TURN_DETECTION_CHOICES,
    ConversationConfig,
    TurnDetection,
    choose_turn_detection,
)
from interaction.core.events import AnalyserVerdict, Event, PartialTranscript
from interaction.core.orders import EndTurn, FlushTurn, OpenTurn, WakeAt
from interaction.core.turn import Phase
from interaction.core.turn_machine import STEPS
from interaction.core.turn_taking.buffered import BufferedTurnDetection
from interaction.core.turn_taking.engine_detected import EngineTurnDetection
from interaction.core.turn_taking.manual import ManualTurnDetection
from interaction.core.turn_taking.semantic import SemanticTurnDetection
from interaction.core.turn_taking.speech_activity import SpeechActivity
from interaction.core.turn_taking.strategy import (
    End,
    EndStrategy,
    Overlap,
    OverlapStrategy,
    ReplyProgress,
    Start,
    Strategies,
    Verdict,
)
from interaction.core.turn_taking.vad import SpeechStart, VadTurnDetection
from interaction.core.types import BargeIn, Frame
from interaction.tests.core.screenplay import SILENT, Engine, Screenplay

EVERY_KIND: tuple[TurnDetection, ...] = (
    VadTurnDetection(threshold=0.6, eager_silence_ms=200),
    ManualTurnDetection(prefix_ms=100),
    BufferedTurnDetection(),
    SemanticTurnDetection("high", 200, "zh"),
    EngineTurnDetection("semantic", silence_ms=400),
)


def fed(speech: SpeechActivity, strategies: Strategies, probabilities: list[float]) -> float:
    """Feed frames; return the time of the last."""
    now = 0.0
    for number, probability in enumerate(probabilities):
        now = round(0.032 * (number + 1), 3)
        frame = Frame(SILENT, probability)
        speech.on_frame(frame, now)
        for strategy in strategies:
            strategy.on_frame(frame, now)
    return now


def made(
    detection: TurnDetection, *, barge_in: BargeIn = "immediate"
) -> tuple[SpeechActivity, Strategies]:
    speech = SpeechActivity(detection.threshold)
    return speech, detection.make_strategies(speech, barge_in=barge_in)


# The settings.


@pytest.mark.parametrize("detection", EVERY_KIND, ids=lambda d: d.kind)
def test_settings_travel_as_json(detection: TurnDetection) -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(TurnDetection)
    assert adapter.validate_json(adapter.dump_json(detection)) == detection


def test_a_client_chooses_by_name_and_a_kind_takes_the_settings_that_it_has() -> None:
    assert TURN_DETECTION_CHOICES == ("vad", "manual", "server", "semantic")
    settings = {"kind": "x", "threshold": 0.7, "silence_ms": 900, "eager_silence_ms": 300}
    assert choose_turn_detection("vad", settings) == VadTurnDetection(900, 300, threshold=0.7)
    assert choose_turn_detection("manual", settings) == ManualTurnDetection(threshold=0.7)
    assert choose_turn_detection("semantic", settings) == EngineTurnDetection(
        "semantic", 900, 300, threshold=0.7
    )


def test_without_an_engine_that_finds_turns_silence_does() -> None:
    detection = EngineTurnDetection("server", 900, 300, threshold=0.7)
    assert detection.without_engine() == VadTurnDetection(900, 300, threshold=0.7)
    words = EngineTurnDetection("semantic", 900, 300, "low", "zh", threshold=0.7)
    assert words.without_engine() == SemanticTurnDetection("low", 300, "zh", threshold=0.7)
    for other in (VadTurnDetection(), ManualTurnDetection(), BufferedTurnDetection()):
        assert other.without_engine() is other


def test_the_table_of_steps_has_a_row_for_everything_that_may_come() -> None:
    known = {event for _, event in STEPS}
    assert {*get_args(Command), *get_args(Event), Frame} <= known
    assert {phase for phase, _ in STEPS} == set(Phase)


# What the strategies say.


def test_vad_starts_with_speech_and_says_how_much_before_it_belongs_to_the_turn() -> None:
    speech, strategies = made(VadTurnDetection())
    now = fed(speech, strategies, [0.0] * 20 + [1.0] * 2)
    assert strategies.start.decide(now) == Verdict(Start.WAIT)
    now = fed(speech, strategies, [1.0])
    assert strategies.start.decide(now) == Verdict(Start.START)
    assert strategies.start.opening(now).audio_ms == 300 + 96


def test_vad_prepares_ends_and_wants_to_be_asked_again_though_the_microphone_is_muted() -> None:
    speech, strategies = made(VadTurnDetection(silence_ms=600, eager_silence_ms=200))
    strategies.end.on_turn_opened(0.0)
    now = fed(speech, strategies, [1.0] * 10)
    assert strategies.end.decide(now) == Verdict(End.GO_ON, now + 1.5)
    assert strategies.end.decide(now + 1.5) == Verdict(End.END)
    now = fed(speech, strategies, [1.0] * 10 + [0.0] * 6)
    assert strategies.end.decide(now) == Verdict(End.PREPARE, now + 1.5)
    fed(speech, strategies, [0.0] * 13)
    assert strategies.end.decide(now) == Verdict(End.END)


@pytest.mark.parametrize(
    ("detection", "barge_in", "reply", "decision"),
    [
        (VadTurnDetection(), "immediate", ReplyProgress.PENDING, Overlap.INTERRUPT),
        (VadTurnDetection(), "immediate", ReplyProgress.AUDIBLE, Overlap.HOLD),
        (VadTurnDetection(), "off", ReplyProgress.PENDING, Overlap.WAIT),
        (VadTurnDetection(), "considered", ReplyProgress.PENDING, Overlap.CONTEST),
        (VadTurnDetection(), "considered", ReplyProgress.AUDIBLE, Overlap.CONTEST),
        (VadTurnDetection(), "considered", ReplyProgress.NONE, Overlap.INTERRUPT),
        (SemanticTurnDetection(), "considered", ReplyProgress.SENT, Overlap.CONTEST),
        (ManualTurnDetection(), "considered", ReplyProgress.AUDIBLE, Overlap.HOLD),
        (EngineTurnDetection(), "considered", ReplyProgress.AUDIBLE, Overlap.HOLD),
        (VadTurnDetection(), "off", ReplyProgress.NONE, Overlap.INTERRUPT),
        (ManualTurnDetection(), "off", ReplyProgress.PENDING, Overlap.INTERRUPT),
        (BufferedTurnDetection(), "immediate", ReplyProgress.AUDIBLE, Overlap.HOLD),
        (BufferedTurnDetection(), "off", ReplyProgress.SENT, Overlap.INTERRUPT),
        (EngineTurnDetection(), "immediate", ReplyProgress.AUDIBLE, Overlap.HOLD),
        (EngineTurnDetection(), "off", ReplyProgress.AUDIBLE, Overlap.WAIT),
    ],
)
def test_what_a_hundred_and_thirty_milliseconds_of_speech_over_a_reply_are(
    detection: TurnDetection, barge_in: BargeIn, reply: ReplyProgress, decision: Overlap
) -> None:
    speech, strategies = made(detection, barge_in=barge_in)
    now = fed(speech, strategies, [0.0] * 10 + [1.0] * 4)
    assert strategies.overlap.decide(reply, now) == Verdict(decision)


# The seam: strategies of another kind.


class ModelEnd(EndStrategy):
    """Ends a turn by a model's verdict; without one, half a second after the turn was opened it
    wants to be asked again, and ends it then."""

    def __init__(self) -> None:
        self.frames = 0
        self.levels: list[float | None] = []
        self.analyses: list[float] = []
        self._opened_at = 0.0
        self._words, self._likelihood = "", 0.0

    def on_turn_opened(self, now: float) -> None:
        self._opened_at, self._words, self._likelihood = now, "", 0.0

    def on_frame(self, frame: Frame, now: float) -> None:
        self.frames += 1
        self.levels.append(frame.level_dbfs)
        self.analyses.append(frame.analysis.get("breath", 0.0))

    def on_transcript(self, text: str, now: float, *, final: bool) -> None:
        self._words = text

    def on_analysis(self, verdict: AnalyserVerdict, now: float) -> None:
        if verdict.name == "end_of_turn":
            self._likelihood = verdict.value

    def decide(self, now: float) -> Verdict[End]:
        limit = self._opened_at + 0.5
        if now >= limit or (self._likelihood > 0.9 and self._words.endswith(".")):
            return Verdict(End.END)
        return Verdict(End.PREPARE if self._likelihood > 0.5 else End.GO_ON, limit)


class Never(OverlapStrategy):
    def decide(self, reply: ReplyProgress, now: float) -> Verdict[Overlap]:
        return Verdict(Overlap.IGNORE)


@dataclass(frozen=True)
class ModelTurnDetection(VadTurnDetection):
    end: ModelEnd = None  # type: ignore[assignment]

    def make_strategies(self, speech: SpeechActivity, *, barge_in: BargeIn) -> Strategies:
        return Strategies(SpeechStart(speech, self), self.end, Never())


def by_model() -> tuple[Screenplay, ModelEnd]:
    end = ModelEnd()
    config = ConversationConfig(turn_detection=ModelTurnDetection(end=end))
    return Screenplay(Engine(silent=True), config), end


def open_turn(play: Screenplay) -> OpenTurn:
    (opened,) = play.effects_of(OpenTurn)
    assert isinstance(opened, OpenTurn)
    return opened


def test_an_analysers_verdict_and_a_partial_transcript_end_a_turn_without_a_frame() -> None:
    play, _ = by_model()
    play.user_speaks(0.5, 3.0)
    play.run(until=0.7)
    turn = open_turn(play).turn_id
    play.machine.on_event(AnalyserVerdict("end_of_turn", 0.95, 600), 0.71)
    effects = play.machine.on_event(PartialTranscript(turn, "That is all."), 0.72)
    assert any(isinstance(effect, EndTurn) for effect in effects)


def test_a_strategy_that_is_less_sure_has_the_reply_prepared_and_discarded() -> None:
    play, _ = by_model()
    play.user_speaks(0.5, 3.0)
    play.run(until=0.7)
    prepared = play.machine.on_event(AnalyserVerdict("end_of_turn", 0.6, 600), 0.71)
    assert any(isinstance(effect, FlushTurn) for effect in prepared)
    discarded = play.machine.on_event(AnalyserVerdict("end_of_turn", 0.1, 700), 0.72)
    assert [type(effect).__name__ for effect in discarded] == ["CancelReply"]


def test_a_strategy_is_asked_again_at_the_time_that_it_named() -> None:
    play, _ = by_model()
    play.microphone_until = 0.7
    play.user_speaks(0.5, 3.0)
    play.run(until=0.75)
    opened_at = play.when(OpenTurn)
    assert WakeAt(opened_at + 0.5) in play.effects_of(WakeAt)
    play.run(until=2)
    assert play.when(EndTurn) == pytest.approx(opened_at + 0.5)


def test_a_frame_brings_what_other_analysers_measured() -> None:
    play, end = by_model()
    play.machine.on_frame(Frame(SILENT, 0.1, -42.0, {"breath": 0.3}), 0.1)
    play.machine.on_frame(Frame(SILENT, 0.1), 0.2)
    assert (end.levels, end.analyses) == ([-42.0, None], [0.3, 0.0])


def test_speech_that_an_overlap_strategy_ignores_opens_no_turn_after_the_reply_either() -> None:
    play, _ = by_model()
    play.client_sends(0.1, SendText("good morning"))
    play.user_speaks(0.5, 62.0)  # until nothing has come for a minute, and the turn has failed
    play.run(until=61.9)
    assert play.statuses()[-1] == "listening"
    assert not play.effects_of(OpenTurn)
    play.user_speaks(62.5, 63.0)
    play.run(until=63)
    assert len(play.effects_of(OpenTurn)) == 1


def test_other_settings_hold_from_the_next_frame_on_and_the_open_turn_goes_on() -> None:
    play = Screenplay(Engine(silent=True))
    play.user_speaks(0.5, 1.5)
    play.run(until=1.0)
    play.machine.reconfigure(ConversationConfig(turn_detection=ManualTurnDetection()), play.now)
    play.run(until=5)
    assert not play.effects_of(EndTurn)
    play.machine.reconfigure(ConversationConfig(turn_detection=VadTurnDetection()), play.now)
    play.run(until=5.1)
    assert len(play.effects_of(EndTurn)) == len(play.effects_of(OpenTurn)) == 1


@pytest.mark.parametrize(("frames", "restarts"), [(1, False), (2, False), (3, True), (9, True)])
def test_a_click_in_the_silence_does_not_start_it_anew(frames: int, restarts: bool) -> None:
    speech = SpeechActivity(0.5, evidence_ms=96)
    feed = [1.0] * 20 + [0.0] * 10 + [1.0] * frames + [0.0]
    for number, probability in enumerate(feed):
        speech.on_frame(Frame(SILENT, probability), 0.032 * (number + 1))
    assert speech.silence_ms == (32 if restarts else 32 * (10 + frames + 1))
    ended = 30 + frames if restarts else 20
    assert speech.last_speech_at == pytest.approx(0.032 * ended)

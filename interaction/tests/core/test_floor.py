"""Somebody speaks over a reply, and it is considered whether they want the floor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest

from interaction.core.commands import (
    ClearAudio,
    Command,
    CommitTurn,
    CreateResponse,
    HangUp,
    InterruptReply,
    SendText,
)
from interaction.core.config import ConversationConfig
from interaction.core.events import (
    EngineLost,
    PartialTranscript,
    ProviderSwitched,
    StageFailed,
    ToolInvoked,
)
from interaction.core.news import (
    Failure,
    FloorContested,
    FloorKept,
    PlayAudio,
    ReplyInterrupted,
    SpeechEnded,
    SpeechStarted,
    TranscriptUpdated,
)
from interaction.core.orders import DropTurn, Effect, EndTurn, OpenTurn, SendAudio
from interaction.core.turn_taking.semantic import SemanticTurnDetection
from interaction.core.turn_taking.vad import VadTurnDetection
from interaction.core.types import FRAME_MS, Message
from interaction.tests.core.screenplay import Engine, Screenplay

CONSIDERED = ConversationConfig(barge_in="considered")
QUICK = Engine(stt_ms=100, ttft_ms=50, tts_ms=50)
SLOW = Engine(stt_ms=300, ttft_ms=1_500, tts_ms=100)


def conversation(
    engine: Engine | None = None, words: str = "hello there", **config: Any
) -> Screenplay:
    """Somebody asks until 1.5 s; by default the reply plays from 2.6 to 6.6 s. ``words``: what the
    recogniser says before they have ended."""
    play = Screenplay(engine or Engine(), replace(CONSIDERED, **config))
    play.user_speaks(0.5, 1.5)
    if words:
        hears(play, 1.0, words)
    return play


def hears(play: Screenplay, when: float, text: str) -> None:
    """The recogniser reports what the turn opened last says so far."""

    def report() -> list[Effect]:
        turn = opened(play)[-1].turn_id
        return play.machine.on_event(PartialTranscript(turn, text), play.now)

    play.at(when, report)


def opened(play: Screenplay) -> list[Any]:
    return play.effects_of(OpenTurn)


def kinds(play: Screenplay, *wanted: type) -> list[str]:
    return [type(e).__name__ for _, e in play.effects if isinstance(e, wanted)]


FLOOR = (FloorContested, FloorKept, SpeechStarted, ReplyInterrupted, DropTurn)


def test_a_listeners_word_ducks_the_reply_and_is_forgotten() -> None:
    play = conversation()
    play.user_speaks(4.0, 4.35)
    hears(play, 4.4, "Mm-hmm.")
    play.run(until=10)
    assert kinds(play, *FLOOR) == ["SpeechStarted", "FloorContested", "DropTurn", "FloorKept"]
    assert play.when(FloorContested) == pytest.approx(4.1, abs=0.04)
    assert play.when(FloorKept) == pytest.approx(4.65, abs=0.07)
    (record,) = play.records()
    assert (record.end_reason, record.heard_ms) == ("played", 4_000)
    told = play.effects_of(TranscriptUpdated)
    assert {news.turn_id for news in told if isinstance(news, TranscriptUpdated)} == {
        record.turn_id
    }


def test_other_words_take_the_floor_with_all_that_was_said() -> None:
    play = conversation()
    play.user_speaks(4.0, 5.2)
    hears(play, 4.35, "What about")
    play.run(until=14)
    assert kinds(play, *FLOOR)[1:] == ["FloorContested", "ReplyInterrupted", "SpeechStarted"]
    assert play.when(ReplyInterrupted) == pytest.approx(4.35, abs=0.04)
    first, second = play.records()
    assert (first.end_reason, second.end_reason) == ("interrupted", "played")
    assert second.sequence == 2
    sent = [e for e in play.effects_of(SendAudio) if isinstance(e, SendAudio)]
    ms = sum(len(e.pcm) for e in sent if e.turn_id == second.turn_id) / 32
    assert ms == pytest.approx(300 + 1_200 + 600, abs=3 * FRAME_MS)
    assert second.speech_started_ms == pytest.approx(4_000, abs=FRAME_MS)
    after = [e for at, e in play.effects if at >= play.when(ReplyInterrupted)]
    told = [e.text for e in after if isinstance(e, TranscriptUpdated) and not e.final]
    assert told == ["What about"]


@pytest.mark.parametrize(
    ("until", "texts", "taken_at"),
    [
        (4.2, [], None),  # a cough
        (4.8, [], None),
        (5.6, [], 5.0),
        (4.4, [(4.45, "You")], None),
        (4.4, [(4.45, "Thank you.")], None),
        (4.4, [(4.45, "♪")], None),
        (4.4, [(4.35, "Stop.")], 4.35),
        (4.3, [(4.35, "wait")], 4.35),
        (4.5, [(4.35, "Lisbon")], 4.48),
        (4.3, [(4.35, "Lisbon")], 4.6),  # at the end of the run
        (4.3, [(4.35, "Lisbon"), (4.5, "Right.")], None),
        (4.9, [(4.35, "Yeah"), (4.7, "Yeah, yeah.")], None),
        (5.5, [(4.35, "Yeah"), (4.7, "Yeah but what if")], 4.7),
        (5.5, [(4.35, "Yeah"), (4.5, "You are an"), (4.7, "Yeah.")], None),
        (5.5, [(4.35, "Oh"), (4.5, "I will go there")], 4.8),
        (4.5, [(4.35, "嗯嗯")], None),
        (4.9, [(4.35, "等一下")], 4.35),
        (7.0, [(4.35, "Right"), (5.0, "Right right")], 6.5),
    ],
)
def test_words_decide_then_duration(
    until: float, texts: list[tuple[float, str]], taken_at: float | None
) -> None:
    play = conversation()
    play.user_speaks(4.0, until)
    for when, text in texts:
        hears(play, when, text)
    play.run(until=6.55)
    cut = [at for at, e in play.effects if isinstance(e, ReplyInterrupted)]
    assert cut == ([pytest.approx(taken_at, abs=0.1)] if taken_at else [])
    assert len(play.effects_of(FloorContested)) == 1


def test_a_pause_within_a_listeners_words_is_one_contest_and_a_longer_one_two() -> None:
    play = conversation()
    play.user_speaks(3.5, 3.7)
    hears(play, 3.75, "Yeah")
    play.user_speaks(3.85, 4.05)
    hears(play, 4.1, "Yeah, right.")
    play.user_speaks(5.0, 5.2)
    hears(play, 5.25, "Mm-hmm")
    play.run(until=10)
    assert len(play.effects_of(FloorContested)) == len(play.effects_of(FloorKept)) == 2
    assert [r.end_reason for r in play.records()] == ["played"]


@pytest.mark.parametrize(("words", "taken_ms"), [("what is the", 1_000), ("", 600)])
def test_a_recogniser_that_says_nothing_before_the_end_leaves_it_to_a_shorter_duration(
    words: str, taken_ms: int
) -> None:
    play = conversation(words=words)
    play.user_speaks(4.0, 5.5)
    play.run(until=6)
    assert play.when(ReplyInterrupted) == pytest.approx(4 + taken_ms / 1000, abs=0.05)


# A reply that cannot be heard yet.


def test_a_reply_that_is_not_audible_waits_and_goes_out_when_the_floor_is_kept() -> None:
    play = conversation(QUICK)
    play.user_speaks(2.12, 2.4)
    hears(play, 2.4, "Mm.")
    play.run(until=10)
    (kept,) = [at for at, e in play.effects if isinstance(e, FloorKept)]
    assert play.when(FloorContested) < 2.3
    assert play.when(PlayAudio) == kept == pytest.approx(2.7, abs=0.1)
    assert [r.end_reason for r in play.records()] == ["played"]


def test_going_on_in_the_gap_takes_the_floor_and_the_words_are_one_message() -> None:
    play = conversation(SLOW)
    play.user_speaks(2.3, 3.6)
    hears(play, 2.7, "and also in Paris")
    play.user_speaks(12.0, 13.0)
    play.run(until=24)
    first, second, third = play.records()
    assert first.end_reason == "superseded"
    played = play.effects_of(PlayAudio)[0]
    assert isinstance(played, PlayAudio) and played.turn_id == second.turn_id
    ends = [e for e in play.effects_of(EndTurn) if isinstance(e, EndTurn)]
    assert [end.goes_on for end in ends] == [False, True, False]
    assert ends[1].context == (Message("user", "hello there"),)
    assert ends[2].context[0] == Message("user", "hello there hello there")
    assert [m.role for m in ends[2].context] == ["user", "assistant"]
    assert third.sequence == 3


def test_a_tool_that_ran_while_the_reply_was_held_is_on_record() -> None:
    play = conversation(Engine(silent=True))
    play.user_speaks(2.3, 3.6)
    play.run(until=2.45)
    (end,) = play.effects_of(EndTurn)
    assert isinstance(end, EndTurn)
    ran = ToolInvoked(
        end.turn_id, end.reply_id, uuid4(), uuid4(), "now", "{}", "succeeded", '"8:00"', 1.0, "c"
    )
    play._carry_out(play.machine.on_event(ran, play.now))
    assert not play.effects_of(ToolInvoked)
    hears(play, 2.7, "no I mean tomorrow")
    play.run(until=3.5)
    (record,) = play.records()
    assert record.end_reason == "superseded"
    assert [m.role for m in record.messages][-2:] == ["assistant", "tool"]


def test_what_was_held_of_a_failed_reply_is_told_once_the_floor_is_kept() -> None:
    lost = StageFailed(UUID(int=1), "llm", "openai", "stage_lost", "Gone.", True)
    play = conversation(Engine(stt_ms=400, fails=lost))
    play.user_speaks(2.3, 2.6)
    play.run(until=5)
    (failure,) = play.effects_of(Failure)
    assert play.when(Failure) >= play.when(FloorContested)
    assert [r.end_reason for r in play.records()] == ["failed"]
    assert isinstance(failure, Failure)


# What ends a contest from outside.


@pytest.mark.parametrize(
    ("command", "becomes_a_turn"),
    [
        (InterruptReply(), True),
        (CommitTurn(), True),
        (SendText("never mind"), False),
        (ClearAudio(), False),
        (HangUp(), False),
    ],
)
def test_commands_settle_a_contest(command: Command, becomes_a_turn: bool) -> None:
    play = conversation()
    play.user_speaks(4.0, 4.9)
    play.client_sends(4.3, command)
    play.run(until=4.35)
    contender = opened(play)[1].turn_id
    started = [e.turn_id for e in play.effects_of(SpeechStarted) if isinstance(e, SpeechStarted)]
    assert (contender in started) is becomes_a_turn
    dropped = [e.turn_id for e in play.effects_of(DropTurn) if isinstance(e, DropTurn)]
    assert (contender in dropped) is not becomes_a_turn
    assert len(play.effects_of(FloorKept)) == len(dropped)


def test_who_contends_as_another_reply_is_asked_for_contends_with_that_one() -> None:
    play = conversation()
    play.user_speaks(4.0, 5.5)
    play.client_sends(4.3, CreateResponse(uuid4()))
    hears(play, 5.0, "no, tell me more")
    play.run(until=14)
    assert len(play.effects_of(FloorContested)) == 1
    assert len(play.effects_of(SpeechStarted)) == 2
    reasons = [r.end_reason for r in play.records()]
    assert reasons == ["played", "superseded", "played"]
    assert [r.sequence for r in play.records()] == [1, 2, 3]


def test_a_commit_ends_the_turn_that_contended() -> None:
    play = conversation()
    play.user_speaks(4.0, 4.9)
    play.client_sends(4.3, CommitTurn())
    play.run(until=14)
    first, second = play.records()
    assert (first.end_reason, second.end_reason) == ("interrupted", "played")
    assert [e for e in play.effects_of(SpeechEnded) if isinstance(e, SpeechEnded)][1].kept


@pytest.mark.parametrize(
    "disturb",
    [
        lambda play: play.machine.reconfigure(
            replace(play.config, turn_detection=VadTurnDetection(silence_ms=900)), play.now
        ),
        lambda play: play.machine.reconfigure(replace(play.config, barge_in="off"), play.now),
        lambda play: play.machine.release_engine(play.now),
        lambda play: play.machine.on_event(EngineLost("x", "gone", "Gone.", True), play.now),
    ],
)
def test_nothing_is_left_of_a_contender_when_its_ground_is_taken(
    disturb: Callable[[Screenplay], list[Effect]],
) -> None:
    play = conversation()
    play.user_speaks(4.0, 4.9)
    play.at(4.3, partial(disturb, play))
    play.run(until=4.35)
    assert kinds(play, FloorContested, FloorKept) == ["FloorContested", "FloorKept"]
    assert len(play.effects_of(DropTurn)) == 1


def test_a_muted_microphone_gives_the_floor_back() -> None:
    play = conversation()
    play.user_speaks(4.0, 9.0)
    play.microphone_until = 4.3
    play.run(until=10)
    assert play.when(FloorKept) == pytest.approx(5.3, abs=0.05)
    assert [r.end_reason for r in play.records()] == ["played"]


@pytest.mark.parametrize(
    ("until", "text", "turns"),
    [(6.9, "", 2), (6.3, "Yes", 2), (6.3, "Lisbon", 2), (6.3, "", 1), (6.3, "You", 1)],
)
def test_who_contends_as_the_reply_ends_is_answered_if_they_said_something(
    until: float, text: str, turns: int
) -> None:
    play = conversation()
    play.user_speaks(6.1, until)
    if text:
        hears(play, 6.4, text)
    play.run(until=16)
    assert [r.end_reason for r in play.records()] == ["played"] * turns
    assert len(play.effects_of(DropTurn)) == 2 - turns


@pytest.mark.parametrize(
    ("speaks", "hears_at", "text", "turns"),
    [
        ((5.8, 6.0), 6.1, "Yes.", 2),
        ((5.8, 6.0), 6.1, "好", 2),
        ((5.8, 6.0), 6.1, "You", 1),
        ((5.8, 6.0), 6.1, "", 1),
        ((4.8, 5.0), 5.1, "Yes.", 1),  # its end is not near
    ],
)
def test_a_yes_to_the_last_words_of_a_reply_answers_them(
    speaks: tuple[float, float], hears_at: float, text: str, turns: int
) -> None:
    play = conversation()
    play.user_speaks(*speaks)
    if text:
        hears(play, hears_at, text)
    play.run(until=16)
    assert [r.end_reason for r in play.records()] == ["played"] * turns
    if turns == 2:
        second = [at for at, e in play.effects if isinstance(e, EndTurn)][1]
        assert second == pytest.approx(6.6, abs=0.1), "it is answered as soon as the reply is over"


# A contender that is not understood.


@pytest.mark.parametrize(("until", "told"), [(4.4, False), (5.6, True)])
def test_a_recogniser_that_fails_under_a_contender_is_told_of_if_it_takes_the_floor(
    until: float, told: bool
) -> None:
    play = conversation()
    play.user_speaks(4.0, until)

    def fail() -> list[Effect]:
        turn = opened(play)[-1].turn_id
        now, machine = play.now, play.machine
        switched = machine.on_event(ProviderSwitched(turn, "stt", "a", "gone", "b"), now)
        lost = StageFailed(turn, "stt", "b", "stage_lost", "Gone.", True)
        return switched + machine.on_event(lost, now)

    play.at(4.3, fail)
    play.run(until=12)
    assert len(play.effects_of(Failure)) == len(play.effects_of(ProviderSwitched)) == told
    reasons = [r.end_reason for r in play.records()]
    assert reasons == (["interrupted", "failed"] if told else ["played"])


def test_a_question_in_which_nothing_was_heard_leaves_the_floor_to_who_contends() -> None:
    nothing = StageFailed(UUID(int=1), "stt", "x", "no_speech", "Nothing.", True)
    play = conversation(Engine(stt_ms=700, fails=nothing))
    play.user_speaks(2.6, 4.0)
    play.run(until=2.78)
    play.engine = Engine()
    play.run(until=14)
    (record,) = play.records()
    assert (record.sequence, record.end_reason) == (1, "played")
    assert record.speech_started_ms == pytest.approx(2_600, abs=FRAME_MS)


def test_turns_that_the_words_end_are_ended_by_those_of_the_contest_too() -> None:
    play = conversation(turn_detection=SemanticTurnDetection())
    play.user_speaks(4.0, 5.0)
    hears(play, 4.9, "what time is it there")
    play.run(until=14)
    ends = [at for at, e in play.effects if isinstance(e, EndTurn)]
    assert ends[1] == pytest.approx(5.0 + 0.416, abs=0.05)


def test_words_of_half_a_word_are_shown_to_nobody() -> None:
    play = Screenplay(Engine(), CONSIDERED)
    play.user_speaks(0.5, 1.5)
    hears(play, 0.85, "Hot fridge")
    hears(play, 1.0, "Talk for")
    play.run(until=1.4)
    told = [e.text for e in play.effects_of(TranscriptUpdated) if isinstance(e, TranscriptUpdated)]
    assert told == ["Talk for"]


# Barge-in is off.


@pytest.mark.parametrize("detection", [VadTurnDetection(), SemanticTurnDetection()])
def test_with_barge_in_off_who_goes_on_past_the_reply_is_heard_from_their_first_word(
    detection: Any,
) -> None:
    play = conversation(barge_in="off", turn_detection=detection)
    play.user_speaks(6.0, 8.0)
    play.run(until=20)
    first, second = play.records()
    assert (first.end_reason, second.end_reason) == ("played", "played")
    sent = [e for e in play.effects_of(SendAudio) if isinstance(e, SendAudio)]
    ms = sum(len(e.pcm) for e in sent if e.turn_id == second.turn_id) / 32
    assert ms == pytest.approx(300 + 2_000 + 600, abs=4 * FRAME_MS)
    assert second.speech_started_ms == pytest.approx(6_000, abs=FRAME_MS)


@pytest.mark.parametrize("until", [6.3, 6.62])
def test_with_barge_in_off_what_ends_with_the_reply_opens_nothing(until: float) -> None:
    play = conversation(barge_in="off")
    play.user_speaks(6.0, until)
    play.run(until=12)
    assert len(opened(play)) == 1

"""Replies that somebody asks for: to a turn, to the context alone, beside the conversation."""

from __future__ import annotations

from uuid import UUID

from interaction.core.commands import ClearAudio, CreateResponse, InterruptReply, SendText
from interaction.core.config import ConversationConfig
from interaction.core.events import (
    ClientToolCalled,
    FinalTranscript,
    ReplyAudio,
    ReplySentence,
    ReplyText,
    StageFailed,
    UsageReported,
)
from interaction.core.news import (
    Failure,
    ReplyEnded,
    ReplyInterrupted,
    ReplySentenceText,
    ReplyStarted,
    ReplyTextCompleted,
    SpeechEnded,
    SpeechStarted,
    TranscriptUpdated,
)
from interaction.core.orders import CancelReply, EndTurn, Respond, TranscribeTurn, WakeAt
from interaction.core.turn_machine import TurnMachine
from interaction.core.types import FRAME_MS, Message, ResponseOptions, ToolCall
from interaction.tests.core.screenplay import Engine, Screenplay

ASKED = UUID(int=900)
OTHER = UUID(int=901)


def on_request() -> Screenplay:
    """The engine transcribes; whoever plays answers."""
    return Screenplay(Engine(silent=True), ConversationConfig(respond_when="asked"))


def transcribed(play: Screenplay) -> FinalTranscript:
    (order,) = play.effects_of(TranscribeTurn)
    assert isinstance(order, TranscribeTurn)
    return FinalTranscript(order.turn_id, "hello there")


def responds(play: Screenplay) -> list[Respond]:
    return [e for e in play.effects_of(Respond) if isinstance(e, Respond)]


def test_a_turn_that_waits_to_be_asked_is_transcribed_alone_and_then_answered_as_one_turn() -> None:
    play = on_request()
    play.user_speaks(0.5, 2.5)
    play.run(until=4)
    assert not play.effects_of(EndTurn)
    assert play.statuses()[-1] == "transcribing"
    play.engine_reports(4, transcribed(play))
    play.run(until=4.1)
    assert not responds(play)
    assert play.statuses()[-1] == "listening"
    options = ResponseOptions(spoken=False, max_tokens=7)
    play.client_sends(4.2, CreateResponse(ASKED, options))
    play.run(until=4.3)
    (order,) = responds(play)
    assert order.spoken
    assert (order.reply_id, order.options) == (ASKED, options)
    assert order.context == (Message("user", "hello there"),)
    play.engine_reports(4.4, ReplyText(ASKED, "General Kenobi.", 0))
    play.run(until=4.5)
    (record,) = play.records()
    assert (record.transcript, record.reply) == ("hello there", "General Kenobi.")
    assert record.end_reason == "played"


def test_an_answer_asked_for_before_the_transcript_waits_for_it() -> None:
    play = on_request()
    play.user_speaks(0.5, 2.5)
    play.run(until=4)
    play.client_sends(4, CreateResponse(ASKED))
    play.run(until=4.1)
    assert not responds(play)
    play.engine_reports(4.2, transcribed(play))
    play.run(until=4.3)
    (order,) = responds(play)
    assert order.context[-1] == Message("user", "hello there")
    told = [type(e) for _, e in play.effects]
    assert told.index(TranscriptUpdated) < told.index(ReplyStarted) < told.index(Respond)


def test_an_answer_called_off_before_the_transcript_never_begins() -> None:
    play = on_request()
    play.user_speaks(0.5, 2.5)
    play.run(until=4)
    play.client_sends(4, CreateResponse(ASKED))
    play.client_sends(4.05, InterruptReply(reply_id=ASKED))
    play.run(until=4.1)
    play.engine_reports(4.2, transcribed(play))
    play.run(until=4.3)
    assert not responds(play)
    (cut,) = play.effects_of(ReplyInterrupted)
    assert isinstance(cut, ReplyInterrupted)
    assert cut.reply_id == ASKED


def test_a_turn_without_words_still_gets_the_answer_that_was_asked_for() -> None:
    play = on_request()
    play.user_speaks(0.5, 2.5)
    play.run(until=4)
    play.client_sends(4, CreateResponse(ASKED))
    play.run(until=4.1)
    turn = transcribed(play).turn_id
    play.engine_reports(4.2, StageFailed(turn, "stt", "x", "no_speech", "Nothing.", True))
    play.run(until=4.3)
    (order,) = responds(play)
    assert order.reply_id == ASKED
    assert not order.spoken


def test_words_that_nobody_answers_are_kept_when_the_next_turn_begins() -> None:
    play = on_request()
    play.user_speaks(0.5, 2.5)
    play.run(until=4)
    play.engine_reports(4, transcribed(play))
    play.user_speaks(5, 6)
    play.run(until=5.5)
    (record,) = play.records()
    assert (record.transcript, record.end_reason) == ("hello there", "heard")
    assert record.reply_id is None


def test_where_nothing_is_ever_answered_a_turn_ends_with_its_transcript() -> None:
    play = Screenplay(Engine(silent=True), ConversationConfig(respond_when="never"))
    play.user_speaks(0.5, 2.5)
    play.run(until=4)
    play.engine_reports(4, transcribed(play))
    play.run(until=4.1)
    (record,) = play.records()
    assert record.end_reason == "heard"


def test_the_context_alone_can_be_answered() -> None:
    play = on_request()
    context = (Message("system", "Be brief."), Message("user", "Which day is it?"))
    play.client_sends(1, CreateResponse(ASKED, context=context))
    play.run(until=1.1)
    (order,) = responds(play)
    assert order.context == context
    assert not order.spoken
    play.engine_reports(1.2, ClientToolCalled(order.turn_id, ASKED, ToolCall("c1", "today", "{}")))
    play.engine_reports(1.2, ReplyText(ASKED, "", 0))
    play.run(until=1.3)
    (asked,) = play.effects_of(ClientToolCalled)
    assert isinstance(asked, ClientToolCalled)
    assert asked.call.name == "today"
    (record,) = play.records()
    assert record.transcript == "Which day is it?"


def test_an_answer_beside_the_conversation_goes_on_through_a_turn_and_is_not_kept() -> None:
    play = on_request()
    play.client_sends(
        0.2, CreateResponse(OTHER, context=(Message("user", "Sum up."),), out_of_band=True)
    )
    play.user_speaks(0.5, 2.5)
    play.run(until=4)
    (order,) = responds(play)
    assert order.out_of_band
    assert not play.effects_of(CancelReply)
    play.engine_reports(4, ReplySentence(OTHER, 0, "In sum."))
    play.engine_reports(4, UsageReported(order.turn_id, OTHER, 12, 3))
    play.engine_reports(4, ReplyText(OTHER, "In sum.", 0))
    play.run(until=4.1)
    assert [type(e) for _, e in play.effects][-4:] == [
        ReplySentenceText,
        UsageReported,
        ReplyTextCompleted,
        ReplyEnded,
    ]
    assert not play.records()


def test_an_answer_beside_the_conversation_can_be_stopped_and_fails_alone() -> None:
    play = on_request()
    play.client_sends(0.2, CreateResponse(OTHER, context=(), out_of_band=True))
    play.client_sends(0.3, CreateResponse(ASKED, context=(), out_of_band=True))
    play.client_sends(0.4, InterruptReply(reply_id=OTHER))
    play.run(until=0.5)
    turn = responds(play)[1].turn_id
    why = StageFailed(turn, "llm", "x", "provider_timeout", "Late.", True, ASKED)
    play.engine_reports(0.6, why)
    play.run(until=0.7)
    (cut,) = play.effects_of(ReplyInterrupted)
    (failed,) = play.effects_of(Failure)
    assert isinstance(cut, ReplyInterrupted)
    assert isinstance(failed, Failure)
    assert (cut.reply_id, failed.reply_id) == (OTHER, ASKED)


def test_an_answer_beside_the_conversation_that_never_comes_is_given_up() -> None:
    play = on_request()
    play.client_sends(0.2, CreateResponse(OTHER, context=(), out_of_band=True))
    play.run(until=61)
    (failed,) = play.effects_of(Failure)
    assert isinstance(failed, Failure)
    assert failed.code == "turn_timeout"


def test_a_context_of_the_clients_own_is_what_replies_are_given() -> None:
    machine = TurnMachine(
        ConversationConfig(), started_at=0.0, context=lambda: (Message("system", "Mine."),)
    )
    effects = machine.on_command(SendText("hello"), 0.0)
    (order,) = (e for e in effects if isinstance(e, Respond))
    assert order.context == (Message("system", "Mine."),)


def test_clearing_forgets_the_open_turn_and_what_came_before_it() -> None:
    play = on_request()
    play.user_speaks(0.5, 1.5)
    play.client_sends(1.2, ClearAudio())
    play.run(until=3)
    (ended,) = play.effects_of(SpeechEnded)
    assert isinstance(ended, SpeechEnded)
    assert not ended.kept
    assert not play.effects_of(TranscribeTurn)


def test_where_speech_lies_is_said_in_the_time_of_all_that_was_heard() -> None:
    play = Screenplay()
    play.user_speaks(1.0, 2.0)
    play.run(until=4)
    (began,), (ended,) = play.effects_of(SpeechStarted), play.effects_of(SpeechEnded)
    assert isinstance(began, SpeechStarted)
    assert isinstance(ended, SpeechEnded)
    assert abs(began.at_ms - 700) <= 2 * FRAME_MS
    assert abs(ended.at_ms - 2_000) <= 2 * FRAME_MS


def test_a_reply_beside_the_conversation_that_never_leaves_for_the_client_is_given_up() -> None:
    machine = TurnMachine(ConversationConfig(), started_at=0.0)
    reply_id = UUID(int=900)
    machine.on_command(CreateResponse(reply_id, out_of_band=True), 1.0)
    machine.on_event(ReplySentence(reply_id, 0, "Good day."), 1.1)
    machine.on_event(ReplyText(reply_id, "Good day.", 1), 1.1)
    effects = machine.on_event(ReplyAudio(reply_id, 0, 0, b"\1\0" * 2_400, last=True), 1.2)
    assert not any(isinstance(effect, Failure) for effect in effects)
    late = machine.on_tick(61.3)
    (failure,) = (effect for effect in late if isinstance(effect, Failure))
    assert (failure.code, failure.reply_id) == ("turn_timeout", reply_id)
    assert not any(isinstance(effect, WakeAt) for effect in late)

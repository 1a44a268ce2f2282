"""Replies that somebody asks for: to a turn, to the context alone, beside the conversation."""

from __future__ import annotations

from uuid import UUID

from interaction.core import effects as out
from interaction.core import signals as sig
from interaction.core.conversation import Conversation
from interaction.core.signals import ConversationConfig, Manner, Message, ToolCall
from interaction.tests.core.screenplay import Engine, Screenplay

ASKED = UUID(int=900)
OTHER = UUID(int=901)


def on_request() -> Screenplay:
    """The engine transcribes; whoever plays answers."""
    return Screenplay(Engine(silent=True), ConversationConfig(answering="asked"))


def transcribed(play: Screenplay) -> sig.FinalTranscript:
    (order,) = play.said(out.TranscribeTurn)
    assert isinstance(order, out.TranscribeTurn)
    return sig.FinalTranscript(order.turn_id, "hello there")


def responds(play: Screenplay) -> list[out.Respond]:
    return [e for e in play.said(out.Respond) if isinstance(e, out.Respond)]


def test_a_turn_that_waits_to_be_asked_is_transcribed_alone_and_then_answered_as_one_turn() -> None:
    play = on_request()
    play.user_speaks(0.5, 2.5)
    play.run(until=4)
    assert not play.said(out.EndTurn)
    assert play.statuses()[-1] == "transcribing"
    play.stage_says(4, transcribed(play))
    play.run(until=4.1)
    assert not responds(play)
    assert play.statuses()[-1] == "listening"
    manner = Manner(spoken=False, max_tokens=7)
    play.client_says(4.2, sig.Answer(ASKED, manner))
    play.run(until=4.3)
    (order,) = responds(play)
    assert order.spoken
    assert (order.reply_id, order.manner) == (ASKED, manner)
    assert order.context == (Message("user", "hello there"),)
    play.stage_says(4.4, sig.ReplyText(ASKED, "General Kenobi.", 0))
    play.run(until=4.5)
    (record,) = play.records()
    assert (record.transcript, record.reply) == ("hello there", "General Kenobi.")
    assert record.end_reason == "played"


def test_an_answer_asked_for_before_the_transcript_waits_for_it() -> None:
    play = on_request()
    play.user_speaks(0.5, 2.5)
    play.run(until=4)
    play.client_says(4, sig.Answer(ASKED))
    play.run(until=4.1)
    assert not responds(play)
    play.stage_says(4.2, transcribed(play))
    play.run(until=4.3)
    (order,) = responds(play)
    assert order.context[-1] == Message("user", "hello there")
    told = [type(e) for _, e in play.effects]
    assert told.index(out.TranscriptHeard) < told.index(out.ReplyBegan) < told.index(out.Respond)


def test_an_answer_called_off_before_the_transcript_never_begins() -> None:
    play = on_request()
    play.user_speaks(0.5, 2.5)
    play.run(until=4)
    play.client_says(4, sig.Answer(ASKED))
    play.client_says(4.05, sig.Interrupt(reply_id=ASKED))
    play.run(until=4.1)
    play.stage_says(4.2, transcribed(play))
    play.run(until=4.3)
    assert not responds(play)
    (cut,) = play.said(out.Interrupted)
    assert isinstance(cut, out.Interrupted)
    assert cut.reply_id == ASKED


def test_a_turn_without_words_still_gets_the_answer_that_was_asked_for() -> None:
    play = on_request()
    play.user_speaks(0.5, 2.5)
    play.run(until=4)
    play.client_says(4, sig.Answer(ASKED))
    play.run(until=4.1)
    turn = transcribed(play).turn_id
    play.stage_says(4.2, sig.StageFailed(turn, "stt", "x", "no_speech", "Nothing.", True))
    play.run(until=4.3)
    (order,) = responds(play)
    assert order.reply_id == ASKED
    assert not order.spoken


def test_words_that_nobody_answers_are_kept_when_the_next_turn_begins() -> None:
    play = on_request()
    play.user_speaks(0.5, 2.5)
    play.run(until=4)
    play.stage_says(4, transcribed(play))
    play.user_speaks(5, 6)
    play.run(until=5.5)
    (record,) = play.records()
    assert (record.transcript, record.end_reason) == ("hello there", "heard")
    assert record.reply_id is None


def test_where_nothing_is_ever_answered_a_turn_ends_with_its_transcript() -> None:
    play = Screenplay(Engine(silent=True), ConversationConfig(answering="never"))
    play.user_speaks(0.5, 2.5)
    play.run(until=4)
    play.stage_says(4, transcribed(play))
    play.run(until=4.1)
    (record,) = play.records()
    assert record.end_reason == "heard"


def test_the_context_alone_can_be_answered() -> None:
    play = on_request()
    context = (Message("system", "Be brief."), Message("user", "Which day is it?"))
    play.client_says(1, sig.Answer(ASKED, context=context))
    play.run(until=1.1)
    (order,) = responds(play)
    assert order.context == context
    assert not order.spoken
    play.stage_says(1.2, sig.ToolCalled(order.turn_id, ASKED, ToolCall("c1", "today", "{}")))
    play.stage_says(1.2, sig.ReplyText(ASKED, "", 0))
    play.run(until=1.3)
    (asked,) = play.said(out.ToolAsked)
    assert isinstance(asked, out.ToolAsked)
    assert asked.call.name == "today"
    (record,) = play.records()
    assert record.transcript == "Which day is it?"


def test_an_answer_beside_the_conversation_goes_on_through_a_turn_and_is_not_kept() -> None:
    play = on_request()
    play.client_says(0.2, sig.Answer(OTHER, context=(Message("user", "Sum up."),), aside=True))
    play.user_speaks(0.5, 2.5)
    play.run(until=4)
    (order,) = responds(play)
    assert order.aside
    assert not play.said(out.CancelReply)
    play.stage_says(4, sig.ReplySentence(OTHER, 0, "In sum."))
    play.stage_says(4, sig.Used(order.turn_id, OTHER, 12, 3))
    play.stage_says(4, sig.ReplyText(OTHER, "In sum.", 0))
    play.run(until=4.1)
    assert [type(e) for _, e in play.effects][-4:] == [
        out.ReplySpoken,
        out.Spent,
        out.ReplyWritten,
        out.ReplyEnded,
    ]
    assert not play.records()


def test_an_answer_beside_the_conversation_can_be_stopped_and_fails_alone() -> None:
    play = on_request()
    play.client_says(0.2, sig.Answer(OTHER, context=(), aside=True))
    play.client_says(0.3, sig.Answer(ASKED, context=(), aside=True))
    play.client_says(0.4, sig.Interrupt(reply_id=OTHER))
    play.run(until=0.5)
    turn = responds(play)[1].turn_id
    why = sig.StageFailed(turn, "llm", "x", "provider_timeout", "Late.", True, ASKED)
    play.stage_says(0.6, why)
    play.run(until=0.7)
    (cut,) = play.said(out.Interrupted)
    (failed,) = play.said(out.Failed)
    assert isinstance(cut, out.Interrupted)
    assert isinstance(failed, out.Failed)
    assert (cut.reply_id, failed.reply_id) == (OTHER, ASKED)


def test_an_answer_beside_the_conversation_that_never_comes_is_given_up() -> None:
    play = on_request()
    play.client_says(0.2, sig.Answer(OTHER, context=(), aside=True))
    play.run(until=61)
    (failed,) = play.said(out.Failed)
    assert isinstance(failed, out.Failed)
    assert failed.code == "turn_timeout"


def test_a_context_of_the_clients_own_is_what_replies_are_given() -> None:
    conversation = Conversation(ConversationConfig(), context=lambda: (Message("system", "Mine."),))
    effects = conversation.command(sig.Say("hello"), 0.0)
    (order,) = (e for e in effects if isinstance(e, out.Respond))
    assert order.context == (Message("system", "Mine."),)


def test_clearing_forgets_the_open_turn_and_what_came_before_it() -> None:
    play = on_request()
    play.user_speaks(0.5, 1.5)
    play.client_says(1.2, sig.Clear())
    play.run(until=3)
    (ended,) = play.said(out.SpeechEnded)
    assert isinstance(ended, out.SpeechEnded)
    assert not ended.kept
    assert not play.said(out.TranscribeTurn)


def test_where_speech_lies_is_said_in_the_time_of_all_that_was_heard() -> None:
    play = Screenplay()
    play.user_speaks(1.0, 2.0)
    play.run(until=4)
    (began,), (ended,) = play.said(out.SpeechStarted), play.said(out.SpeechEnded)
    assert isinstance(began, out.SpeechStarted)
    assert isinstance(ended, out.SpeechEnded)
    assert abs(began.at_ms - 700) <= 2 * sig.FRAME_MS
    assert abs(ended.at_ms - 2_000) <= 2 * sig.FRAME_MS

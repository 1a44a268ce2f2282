"""Every way in which a turn can end: what is kept of it, and what the client is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args
from uuid import UUID

import pytest

from interaction.core.commands import CommitTurn, CreateResponse, HangUp, InterruptReply, SendText
from interaction.core.config import ConversationConfig
from interaction.core.events import FinalTranscript, ReplyAudio, ReplyText, StageFailed
from interaction.core.news import ReplyInterrupted, ReplyStarted, StatusChanged
from interaction.core.orders import (
    CancelReply,
    CloseTurn,
    DropTurn,
    EndTurn,
    Respond,
    TranscribeTurn,
    WakeAt,
)
from interaction.core.turn_endings import ENDINGS
from interaction.core.turn_taking.manual import ManualTurnDetection
from interaction.core.types import EndReason
from interaction.tests.core.screenplay import Client, Engine, Screenplay


def spoken(play: Screenplay) -> Screenplay:
    play.user_speaks(0.5, 1.5)
    return play


def talked_over() -> Screenplay:
    play = spoken(Screenplay())
    play.user_speaks(4.0, 5.0)
    return play


def overtaken() -> Screenplay:
    play = spoken(Screenplay(Engine(silent=True)))
    play.user_speaks(3.0, 4.0)
    return play


def transcribed_alone() -> Screenplay:
    play = spoken(Screenplay(Engine(silent=True), ConversationConfig(respond_when="never")))
    play.engine_reports(4.0, FinalTranscript(UUID(int=1), "hello there"))
    return play


def deserted() -> Screenplay:
    play = spoken(Screenplay())
    play.client_sends(4.0, HangUp())
    return play


def stopped() -> Screenplay:
    play = spoken(Screenplay())
    play.client_sends(4.0, InterruptReply())
    return play


def mode_changed() -> Screenplay:
    play = spoken(Screenplay())
    play.at(4.0, lambda: play.machine.release_engine(4.0))
    return play


def expired() -> Screenplay:
    play = spoken(Screenplay())
    play.client_sends(4.0, HangUp("session_expired"))
    return play


def unreported() -> Screenplay:
    play = spoken(Screenplay())
    play.at(4.0, lambda: play.__setattr__("client", Client(reports=False)) or [])  # type: ignore[func-returns-value]
    return play


def broken() -> Screenplay:
    lost = StageFailed(UUID(int=1), "llm", "openai", "stage_lost", "Gone.", True)
    return spoken(Screenplay(Engine(fails=lost)))


def empty() -> Screenplay:
    nothing = StageFailed(UUID(int=1), "stt", "x", "no_speech", "Nothing heard.", True)
    return spoken(Screenplay(Engine(fails=nothing)))


WAYS: dict[str, Callable[[], Screenplay]] = {
    "played": lambda: spoken(Screenplay()),
    "heard": transcribed_alone,
    "interrupted": talked_over,
    "superseded": overtaken,
    "stopped": stopped,
    "mode_changed": mode_changed,
    "client_left": deserted,
    "session_ended": expired,
    "timeout": unreported,
    "failed": broken,
    "dropped": empty,
}


def test_the_table_knows_every_way() -> None:
    assert set(ENDINGS) == set(WAYS) == {*get_args(EndReason), "dropped"}


@pytest.mark.parametrize("way", WAYS)
def test_a_turn_ends_as_the_table_says(way: str) -> None:
    play, ending = WAYS[way](), ENDINGS[way]  # type: ignore[index]
    play.run(until=45)
    turn = UUID(int=1)
    records = [record for record in play.records() if record.turn_id == turn]
    assert [record.end_reason for record in records] == [ending.end_reason] * len(records)
    assert len(records) == (ending.end_reason is not None)
    assert (DropTurn(turn) in play.effects_of(DropTurn)) is (ending.end_reason is None)
    interrupted = [e for e in play.effects_of(ReplyInterrupted) if e.turn_id == turn]  # type: ignore[union-attr]
    has_reply = bool(records and records[0].reply_id)
    assert len(interrupted) == (ending.news is ReplyInterrupted and has_reply)
    if ending.news and ending.news is not ReplyInterrupted:
        news = [e for e in play.effects_of(ending.news) if e.turn_id == turn]  # type: ignore[union-attr]
        assert news or way == "dropped"


def test_a_turn_that_is_overtaken_before_its_reply_begins_is_told_to_the_client() -> None:
    play = overtaken()
    play.run(until=4)
    (end, *_) = play.effects_of(EndTurn)
    assert isinstance(end, EndTurn)
    assert not play.effects_of(ReplyStarted)
    (told,) = play.effects_of(ReplyInterrupted)
    assert isinstance(told, ReplyInterrupted)
    assert (told.turn_id, told.reply_id) == (end.turn_id, end.reply_id)
    assert (told.heard_ms, told.heard_text) == (0, "")
    kinds = [type(e) for _, e in play.effects]
    assert kinds.index(ReplyInterrupted) < kinds.index(CancelReply)
    (record,) = play.records()
    assert record.end_reason == "superseded"


def test_a_typed_line_that_overtakes_a_turn_tells_the_client_too() -> None:
    play = spoken(Screenplay(Engine(silent=True)))
    play.client_sends(3.0, SendText("never mind"))
    play.client_sends(3.5, SendText("or do"))
    play.run(until=4)
    told = [
        e.heard_ms for e in play.effects_of(ReplyInterrupted) if isinstance(e, ReplyInterrupted)
    ]
    assert told == [0, 0]


def test_another_engine_that_takes_over_tells_the_client_of_the_reply_that_is_lost() -> None:
    play = spoken(Screenplay(Engine(silent=True)))
    play.run(until=3)
    effects = play.machine.release_engine(3.0)
    (told,) = (e for e in effects if isinstance(e, ReplyInterrupted))
    assert told.heard_ms == 0


def test_a_request_that_waits_for_a_transcript_is_told_when_the_next_turn_comes() -> None:
    play = Screenplay(Engine(silent=True), ConversationConfig(respond_when="asked"))
    play.user_speaks(0.5, 1.5)
    play.client_sends(3.0, CreateResponse(UUID(int=900)))
    play.user_speaks(4.0, 5.0)
    play.run(until=5)
    (told,) = play.effects_of(ReplyInterrupted)
    assert isinstance(told, ReplyInterrupted)
    assert told.reply_id == UUID(int=900)
    (record,) = play.records()
    assert record.end_reason == "heard"


def test_a_turn_that_waits_for_nothing_ends_without_a_word() -> None:
    play = Screenplay(Engine(silent=True), ConversationConfig(respond_when="asked"))
    play.user_speaks(0.5, 1.5)
    play.run(until=3)
    (order,) = play.effects_of(TranscribeTurn)
    assert isinstance(order, TranscribeTurn)
    play.engine_reports(3, FinalTranscript(order.turn_id, "hello there"))
    play.client_sends(4, InterruptReply())
    play.run(until=5)
    assert not play.effects_of(ReplyInterrupted)
    (record,) = play.records()
    assert record.end_reason == "heard"


def test_a_reply_that_never_leaves_for_the_client_is_given_up_and_wakes_nobody_again() -> None:
    play = Screenplay(Engine(silent=True))
    play.client_sends(1.0, SendText("good morning"))
    play.run(until=1.1)
    (order,) = play.effects_of(Respond)
    assert isinstance(order, Respond)
    machine = play.machine
    machine.on_event(ReplyText(order.reply_id, "Good day.", 1), 1.2)
    machine.on_event(ReplyAudio(order.reply_id, 0, 0, b"\1\0" * 2_400, last=True), 1.2)
    effects = machine.on_tick(61.3)
    assert StatusChanged("listening") in effects
    assert not [effect for effect in effects if isinstance(effect, WakeAt)]
    (closed,) = (effect for effect in effects if isinstance(effect, CloseTurn))
    assert closed.record.end_reason == "timeout"


def test_an_open_turn_is_dropped_by_a_typed_line_and_its_eager_reply_is_not_told() -> None:
    play = Screenplay(config=ConversationConfig(turn_detection=ManualTurnDetection()))
    play.user_speaks(0.5, 1.5)
    play.client_sends(2.0, SendText("I would rather type"))
    play.client_sends(2.0, CommitTurn())
    play.run(until=2.1)
    assert play.effects_of(DropTurn) == [DropTurn(UUID(int=1))]
    assert not play.effects_of(ReplyInterrupted)

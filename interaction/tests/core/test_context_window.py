"""What a conversation knows beside its course: context, tools, who served it."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from interaction.core.commands import InterruptReply, SendText
from interaction.core.config import ConversationConfig
from interaction.core.context_window import ContextWindow
from interaction.core.events import (
    ProviderSwitched,
    SessionEndRequested,
    ToolInvoked,
    UsageReported,
)
from interaction.core.news import SessionFinished
from interaction.core.orders import EndTurn, Respond
from interaction.core.turn import Phase, Turn
from interaction.core.types import Message
from interaction.tests.core.screenplay import Screenplay


def test_who_stepped_in_for_whom_is_told_and_kept() -> None:
    play = Screenplay()
    play.user_speaks(0.5, 1.5)
    play.engine_reports(2.2, ProviderSwitched(UUID(int=1), "llm", "openai", "stage_lost", "demo"))
    play.run(until=10)
    (told,) = play.effects_of(ProviderSwitched)
    assert isinstance(told, ProviderSwitched)
    assert (told.failed, told.provider) == ("openai", "demo")
    (record,) = play.records()
    assert record.fallbacks == (told,)


def invoked(turn_id: UUID, reply_id: UUID) -> ToolInvoked:
    return ToolInvoked(
        turn_id, reply_id, uuid4(), uuid4(), "current_time", "{}", "succeeded", '"noon"', 2.0
    )


def test_a_tool_call_is_told_while_the_reply_is_in_the_making() -> None:
    play = Screenplay()
    play.user_speaks(0.5, 1.5)
    play.run(until=2.2)
    (end,) = play.effects_of(EndTurn)
    assert isinstance(end, EndTurn)
    play.engine_reports(2.3, invoked(end.turn_id, end.reply_id))
    play.engine_reports(2.3, invoked(end.turn_id, uuid4()))
    play.run(until=10)
    (told,) = play.effects_of(ToolInvoked)
    assert isinstance(told, ToolInvoked)
    assert told.tool == "current_time"


@pytest.mark.parametrize("interrupted", [False, True])
def test_a_tool_may_end_the_session_once_its_reply_was_heard(interrupted: bool) -> None:
    play = Screenplay()
    play.user_speaks(0.5, 1.5)
    if interrupted:
        play.user_speaks(4.0, 5.0)
    play.run(until=2.2)
    (end,) = play.effects_of(EndTurn)
    assert isinstance(end, EndTurn)
    play.engine_reports(2.3, SessionEndRequested(end.reply_id))
    play.run(until=14)
    assert bool(play.effects_of(SessionFinished)) is not interrupted


def test_the_context_keeps_the_prompt_and_what_fits_of_the_newest_turns() -> None:
    config = ConversationConfig(system_prompt="Be brief.", context_turns=20, context_tokens=120)
    play = Screenplay(config=config)
    for number in range(12):
        play.client_sends(1.0 + 12 * number, SendText(f"question number {number}"))
    play.run(until=150)
    last = play.effects_of(Respond)[-1]
    assert isinstance(last, Respond)
    assert last.context[0] == Message("system", "Be brief.")
    assert last.context[-1] == Message("user", "question number 11")
    assert last.context[-3] == Message("user", "question number 10")
    assert 5 <= len(last.context) <= 10


def test_the_providers_own_count_sets_the_estimate_right() -> None:
    config = ConversationConfig(context_tokens=200)
    play = Screenplay(config=config)
    for number in range(12):
        play.client_sends(1.0 + 12 * number, SendText(f"question number {number}"))
        reply = UUID(int=2 * number + 2)
        play.engine_reports(
            2.0 + 12 * number, UsageReported(UUID(int=2 * number + 1), reply, 2_000, 10)
        )
    play.run(until=150)
    responds = play.effects_of(Respond)
    assert isinstance(responds[-1], Respond)
    without = Screenplay(config=config)
    for number in range(12):
        without.client_sends(1.0 + 12 * number, SendText(f"question number {number}"))
    without.run(until=150)
    plain = without.effects_of(Respond)[-1]
    assert isinstance(plain, Respond)
    assert 1 <= len(responds[-1].context) < len(plain.context)
    assert responds[-1].context[-1] == Message("user", "question number 11")


def test_five_hundred_turns_cost_no_more_context_than_twenty() -> None:
    past = ContextWindow(ConversationConfig())
    sizes = []
    for number in range(500):
        turn = Turn(UUID(int=number), number, "text", Phase.CLOSED, 0.0, 0.0)
        turn.transcript = "a question"
        turn.end_reason = "played"
        past.add(turn)
        sizes.append(len(past.messages(None)))
    assert max(sizes) == sizes[19] == sizes[-1]


def test_an_interrupted_reply_counts_as_what_was_heard() -> None:
    play = Screenplay()
    play.user_speaks(0.5, 1.5)
    play.client_sends(4.5, InterruptReply(heard_ms=2_000))
    play.client_sends(6.0, SendText("go on"))
    play.run(until=6.5)
    (respond,) = play.effects_of(Respond)
    assert isinstance(respond, Respond)
    (cut_off, *_) = play.records()
    assert respond.context[-2] == Message("assistant", cut_off.heard_text)
    assert len(cut_off.heard_text) < len(cut_off.reply)


def said(number: int, words: str, kind: Any = "speech", **facts: Any) -> Turn:
    """A closed turn of which no reply was heard."""
    turn = Turn(UUID(int=number), number, kind, Phase.CLOSED, opened_at=0, progress_at=0)
    turn.transcript, turn.end_reason = words, facts.pop("end_reason", "superseded")
    for name, value in facts.items():
        setattr(turn, name, value)
    return turn


@pytest.mark.parametrize(
    ("turns", "messages"),
    [
        ([said(1, "What is"), said(2, "the time?")], ["What is the time?"]),
        ([said(1, "a"), said(2, "b"), said(3, "c")], ["a b c"]),
        ([said(1, "a"), said(2, ""), said(3, "c")], ["a c"]),
        ([said(1, "a"), said(2, "typed", "text")], ["a", "typed"]),
        ([said(1, "typed", "text"), said(2, "b")], ["typed b"]),
        ([said(1, "a", end_reason="failed"), said(2, "b")], ["a", "b"]),
        ([said(1, "a", end_reason="stopped"), said(2, "b")], ["a", "b"]),
        ([said(1, "a", end_reason="heard"), said(2, "b")], ["a", "b"]),
        ([said(1, "a", end_reason="interrupted", heard_ms=0), said(2, "b")], ["a b"]),
        ([said(1, "a", end_reason="interrupted", heard_ms=900), said(2, "b")], ["a", "b"]),
    ],
)
def test_what_is_said_before_anything_of_a_reply_was_heard_is_one_message(
    turns: list[Turn], messages: list[str]
) -> None:
    window = ContextWindow(ConversationConfig())
    for turn in turns[:-1]:
        window.add(turn)
    live = [m.content for m in window.messages(turns[-1])]
    window.add(turns[-1])
    assert live == messages == [m.content for m in window.messages(None)]

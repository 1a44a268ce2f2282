"""What was really done in the conversation is in the context of every later turn."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest

from interaction.core.commands import AudioSent, InterruptReply, PlaybackReport, SendText
from interaction.core.config import ConversationConfig
from interaction.core.events import (
    ReplyAudio,
    ReplySentence,
    ReplyText,
    StageFailed,
    ToolInvoked,
)
from interaction.core.orders import Respond
from interaction.core.redaction import redacted_json
from interaction.core.tool_messages import MOST_KEPT
from interaction.core.turn_machine import TurnMachine
from interaction.core.types import Message, ToolCall

SECOND = b"\1\0" * 24_000


class Conversation:
    """Typed turns, by hand."""

    def __init__(self, **config: Any) -> None:
        self.machine = TurnMachine(ConversationConfig(**config), started_at=0.0)
        self.now = 0.0

    def asks(self, text: str) -> Respond:
        self.now += 1
        effects = self.machine.on_command(SendText(text), self.now)
        (self.order,) = (effect for effect in effects if isinstance(effect, Respond))
        return self.order

    def calls(self, tool: str = "current_time", **more: Any) -> None:
        fields = {"arguments": "{}", "status": "succeeded", "result": '"noon"', "ms": 1.0}
        ids = (self.order.turn_id, self.order.reply_id, UUID(int=7), self.order.turn_id)
        self.reports(ToolInvoked(*ids, tool, **{"call_id": "call_1", **fields, **more}))

    def says(self, *sentences: str, first: int = 0) -> None:
        for number, text in enumerate(sentences, first):
            self.reports(ReplySentence(self.order.reply_id, number, text))

    def speaks(self, *sentences: str) -> None:
        """The whole reply: its text, and a second of audio a sentence, all sent."""
        reply_id = self.order.reply_id
        self.says(*sentences)
        self.reports(ReplyText(reply_id, " ".join(sentences), len(sentences)))
        for number in range(len(sentences)):
            last = number == len(sentences) - 1
            self.reports(ReplyAudio(reply_id, number, number, SECOND, last))
        self.sends(AudioSent(reply_id))
        self.sends(AudioSent(reply_id, last=True))

    def is_played(self, ms: int) -> None:
        self.sends(PlaybackReport(self.order.reply_id, ms, ended=True))

    def reports(self, event: Any) -> None:
        self.machine.on_event(event, self.now)

    def sends(self, command: Any) -> None:
        self.machine.on_command(command, self.now)


def brief(messages: tuple[Message, ...] | list[Message]) -> list[Any]:
    """Each message as its content, with the names of its calls or the id of the one it answers."""
    return [
        (m.content, *(call.name for call in m.tool_calls))
        if m.tool_calls
        else f"{m.tool_call_id}: {m.content}"
        if m.role == "tool"
        else m.content
        for m in messages
    ]


def test_a_call_and_its_result_stand_before_what_was_answered_with_them() -> None:
    talk = Conversation()
    talk.asks("What time is it?")
    talk.calls()
    talk.speaks("It is noon.")
    talk.is_played(1_000)
    context = talk.asks("And in Tokyo?").context
    assert context == (
        Message("user", "What time is it?"),
        Message("assistant", "", (ToolCall("call_1", "current_time", "{}"),)),
        Message("tool", '"noon"', tool_call_id="call_1"),
        Message("assistant", "It is noon."),
        Message("user", "And in Tokyo?"),
    )


def test_what_was_said_before_a_call_stands_with_it() -> None:
    talk = Conversation()
    talk.asks("What time is it?")
    talk.says("Let me look.")
    talk.calls(sentences=1)
    talk.speaks("Let me look.", "It is noon.")
    talk.is_played(2_000)
    context = talk.asks("Thanks").context
    expected = ["What time is it?", ("Let me look.", "current_time"), 'call_1: "noon"']
    assert brief(context) == [*expected, "It is noon.", "Thanks"]


def test_calls_made_at_once_are_one_message_and_those_of_a_later_request_another() -> None:
    talk = Conversation()
    talk.asks("Go")
    talk.calls("a", call_id="1", round=0)
    talk.calls("b", call_id="2", round=0)
    talk.calls("c", call_id="3", round=1)
    talk.speaks("Done.")
    talk.is_played(1_000)
    context = talk.asks("Thanks").context
    expected = [("", "a", "b"), '1: "noon"', '2: "noon"', ("", "c"), '3: "noon"']
    assert brief(context) == ["Go", *expected, "Done.", "Thanks"]


@pytest.mark.parametrize("status", ["failed", "timed_out", "refused"])
@pytest.mark.parametrize("result", ["It broke.", 'Say "please".', "不行"])
def test_a_call_that_came_to_nothing_is_kept_as_the_model_was_told(
    status: str, result: str
) -> None:
    talk = Conversation()
    talk.asks("Go")
    talk.calls(status=status, result=result)
    talk.speaks("Sorry.")
    talk.is_played(1_000)
    tool = talk.asks("Again").context[2]
    assert json.loads(tool.content) == {"error": result}


@pytest.mark.parametrize(
    ("heard_ms", "kept"),
    [
        (0, [("", "current_time"), 'call_1: "noon"']),
        (500, [("One two", "current_time"), 'call_1: "noon"']),
        (1_000, [("One two three four.", "current_time"), 'call_1: "noon"']),
        (1_500, [("One two three four.", "current_time"), 'call_1: "noon"', "Five six"]),
    ],
)
def test_of_a_reply_that_is_cut_off_all_that_was_done_is_kept_and_what_was_heard(
    heard_ms: int, kept: list[Any]
) -> None:
    talk = Conversation()
    talk.asks("Go")
    talk.says("One two three four.")
    talk.calls(sentences=1)
    talk.speaks("One two three four.", "Five six seven ate.")
    talk.sends(InterruptReply(heard_ms))
    assert brief(talk.asks("Again").context) == ["Go", *kept, "Again"]


def test_a_turn_that_fails_after_its_tool_has_run_keeps_what_was_done() -> None:
    talk = Conversation()
    order = talk.asks("Go")
    talk.calls()
    why = ("openai", "provider_unavailable", "Gone.", True)
    talk.reports(StageFailed(order.turn_id, "llm", *why, reply_id=order.reply_id))
    expected = ["Go", ("", "current_time"), 'call_1: "noon"', "Again"]
    assert brief(talk.asks("Again").context) == expected


def test_a_line_that_overtakes_a_reply_whose_tool_has_run_knows_of_it() -> None:
    talk = Conversation()
    talk.asks("Go")
    talk.calls()
    expected = ["Go", ("", "current_time"), 'call_1: "noon"', "Never mind"]
    assert brief(talk.asks("Never mind").context) == expected


def test_another_engine_is_handed_what_was_done() -> None:
    talk = Conversation()
    talk.asks("Go")
    talk.calls()
    talk.machine.release_engine(talk.now)
    assert brief(talk.machine.messages()) == ["Go", ("", "current_time"), 'call_1: "noon"']


def test_what_was_done_reaches_as_far_back_as_the_words() -> None:
    talk = Conversation()
    for number in range(5):
        talk.asks(f"Go {number}")
        talk.calls(call_id=f"call_{number}")
        talk.speaks("Done.")
        talk.is_played(1_000)
    context = talk.asks("And?").context
    assert [m.tool_call_id for m in context if m.role == "tool"] == [
        f"call_{number}" for number in range(5)
    ]


@pytest.mark.parametrize("tokens", range(20, 300, 20))
def test_no_call_is_parted_from_its_result_when_the_context_is_full(tokens: int) -> None:
    history = (
        Message("user", "Earlier " * 5),
        Message("assistant", "", (ToolCall("x", "a", "{}"), ToolCall("y", "b", "{}"))),
        Message("tool", "1 " * 20, tool_call_id="x"),
        Message("tool", "2 " * 20, tool_call_id="y"),
        Message("assistant", "So it is. " * 5),
    )
    talk = Conversation(context_tokens=tokens, history=history)
    for number in range(2):
        talk.asks(f"Go {number}")
        talk.calls(call_id=f"call_{number}", arguments='{"a": "%s"}' % ("b" * 60))
        talk.speaks("Done.")
        talk.is_played(1_000)
    context = talk.asks("And?").context
    asked = [call.id for m in context for call in m.tool_calls]
    assert asked == [m.tool_call_id for m in context if m.role == "tool"]
    for before, after in pairwise(context):
        if after.role == "tool":
            assert before.role == "tool" or before.tool_calls


def test_arguments_count_in_the_budget() -> None:
    talk = Conversation(context_tokens=500)
    talk.asks("Go")
    talk.calls(arguments=json.dumps({"text": "word " * 700}))
    talk.speaks("Done.")
    talk.is_played(1_000)
    assert brief(talk.asks("And?").context) == ["And?"]


@pytest.mark.parametrize("length", [MOST_KEPT - 2, MOST_KEPT, MOST_KEPT * 10])
def test_of_a_long_result_the_beginning_is_kept_as_json(length: int) -> None:
    talk = Conversation(context_tokens=100_000)
    talk.asks("Go")
    talk.calls(result=json.dumps("x" * length))
    talk.speaks("Done.")
    talk.is_played(1_000)
    content = talk.asks("And?").context[2].content
    assert len(content) <= MOST_KEPT + 100
    kept = json.loads(content)
    assert kept == "x" * length if length < MOST_KEPT else kept["truncated"]


@pytest.mark.parametrize("arguments", ["", "nonsense", "[]", "7", "{", "null"])
def test_arguments_that_were_never_an_object_are_kept_as_an_empty_one(arguments: str) -> None:
    talk = Conversation()
    talk.asks("Go")
    talk.calls(arguments=arguments, status="refused", result="Not valid.")
    talk.speaks("Sorry.")
    talk.is_played(1_000)
    (call,) = talk.asks("And?").context[1].tool_calls
    assert call.arguments == "{}"


def test_a_call_without_an_id_gets_one_that_its_result_has_too() -> None:
    talk = Conversation()
    talk.asks("Go")
    talk.calls(call_id="")
    talk.speaks("Done.")
    talk.is_played(1_000)
    _, asked, told, *_ = talk.asks("And?").context
    assert asked.tool_calls[0].id == told.tool_call_id
    assert len(told.tool_call_id) == 9


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ('{"card": "4111 1111 1111 1111"}', '{"card":"[number]"}'),
        ('{"card": 4111111111111111}', '{"card":"[number]"}'),
        ('["a", {"b": "4111111111111111"}]', '["a",{"b":"[number]"}]'),
        ('{"n": 42, "ok": true}', '{"n": 42, "ok": true}'),
        ("call 4111111111111111", "call [number]"),
        ("", ""),
        ('"noon"', '"noon"'),
    ],
)
def test_long_numbers_are_masked_and_json_stays_json(text: str, masked: str) -> None:
    assert redacted_json(text) == masked

"""The demo agent calls the tools it is given, and speaks of what they did."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from interaction.core.types import Message, ToolCall, ToolSpec
from interaction.providers.config import ProviderConfig
from interaction.providers.local.demo.llm import reply
from interaction.providers.registry import load
from interaction.tools.registry import load_tool, tool_spec

NOON = datetime(2026, 11, 20, 12, 5, tzinfo=UTC)
TIME, END = (tool_spec(load_tool(name)) for name in ("current_time", "end_session"))
DICE = ToolSpec(
    "roll_dice",
    "Rolls dice.",
    json.dumps({"type": "object", "properties": {"sides": {"type": "integer"}}}),
)


WEATHER = ToolSpec(
    "get_weather",
    "Says whether it is sunny or raining.",
    json.dumps(
        {
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "unit": {"type": ["null", "string"], "enum": ["celsius", "fahrenheit"]},
                "days": {"type": "integer", "minimum": 2},
                "hourly": {"type": "boolean"},
            },
            "required": ["city"],
        }
    ),
)
EVERYTHING = ToolSpec(
    "getForecast",
    "",
    json.dumps({**json.loads(WEATHER.parameters), "required": ["city", "unit", "days", "hourly"]}),
)


def called(text: str, *tools: ToolSpec, tool_choice: str = "auto") -> ToolCall:
    call = reply([Message("user", text)], NOON, tools, tool_choice)
    assert isinstance(call, ToolCall)
    return call


def spoken_result(text: str, name: str, result: Any) -> str:
    """What it says when the tool that it called for these words gave this result."""
    asking = Message("assistant", "", (ToolCall("1", name, "{}"),))
    answer = Message("tool", json.dumps(result), tool_call_id="1")
    said = reply([Message("user", text), asking, answer], NOON, [TIME, END, DICE])
    assert isinstance(said, str)
    return said


@pytest.mark.parametrize(
    ("text", "name", "arguments"),
    [
        ("What time is it?", "current_time", {}),
        ("What's the date today?", "current_time", {}),
        ("what time is it in tokyo", "current_time", {"time_zone": "Asia/Tokyo"}),
        ("What time is it in New York?", "current_time", {"time_zone": "America/New_York"}),
        ("現在幾點？", "current_time", {}),
        ("goodbye", "end_session", {}),
        ("Please end the session.", "end_session", {}),
        ("hang up now", "end_session", {}),
        ("再見", "end_session", {}),
        ("roll dice with sides 6", "roll_dice", {"sides": 6}),
        ("roll dice", "roll_dice", {}),
    ],
)
def test_it_calls_the_tool_that_does_what_it_is_asked_for(
    text: str, name: str, arguments: dict[str, Any]
) -> None:
    call = called(text, TIME, END, DICE)
    assert (call.name, json.loads(call.arguments)) == (name, arguments)


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("What's the weather like in Paris today?", {"city": "Paris"}),
        ("the weather in New York, please", {"city": "New York"}),
        ("weather for city oslo", {"city": "oslo"}),
        ("How is the weather?", {}),
    ],
)
def test_a_tool_is_known_by_what_it_is_about(text: str, arguments: dict[str, Any]) -> None:
    call = called(text, DICE, WEATHER)
    assert (call.name, json.loads(call.arguments)) == ("get_weather", arguments)


def test_required_arguments_are_looked_for_in_what_was_said() -> None:
    call = called("The forecast in fahrenheit for 3 days", EVERYTHING)
    given = json.loads(call.arguments)
    assert (given["unit"], given["days"]) == ("fahrenheit", 3)


def test_where_a_tool_must_be_called_the_nearest_one_is_with_all_it_needs() -> None:
    call = called("Is it raining?", DICE, WEATHER, tool_choice="required")
    assert (call.name, json.loads(call.arguments)) == ("get_weather", {"city": "Is it raining?"})
    call = called("Hello.", DICE, EVERYTHING, tool_choice="getForecast")
    given = {"city": "Hello.", "unit": "celsius", "days": 2, "hourly": True}
    assert (call.name, json.loads(call.arguments)) == ("getForecast", given)


def test_where_none_may_be_called_or_the_one_is_not_there_it_answers() -> None:
    asked = [Message("user", "roll dice")]
    for tool_choice in ("none", "another"):
        assert isinstance(reply(asked, NOON, [DICE], tool_choice), str)


def test_a_result_is_spoken_even_where_a_tool_must_be_called() -> None:
    asking = Message("assistant", "", (ToolCall("1", "roll_dice", "{}"),))
    context = [Message("user", "roll dice"), asking, Message("tool", "5", tool_call_id="1")]
    assert reply(context, NOON, [DICE], "required") == "5"


@pytest.mark.parametrize(
    "parameters", ["{}", "[]", "null", '{"properties": []}', '{"required": 1}']
)
def test_a_schema_may_be_anything(parameters: str) -> None:
    assert called("roll dice", ToolSpec("roll_dice", "", parameters)).arguments == "{}"
    odd = json.dumps({"properties": {"": True, "x": {"type": 3, "enum": [None, ""]}}})
    assert called("roll dice x 3", ToolSpec("roll_dice", "", odd)).name == "roll_dice"


def test_it_calls_no_tool_for_anything_else_nor_one_that_it_was_not_given() -> None:
    assert isinstance(reply([Message("user", "hello")], NOON, [TIME, END, DICE]), str)
    assert "12:05" in str(reply([Message("user", "what time is it")], NOON, [END]))
    assert "Goodbye" in str(reply([Message("user", "goodbye")], NOON, [TIME]))


def test_two_calls_have_different_ids() -> None:
    assert called("goodbye", END).id != called("goodbye", END).id


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("what time is it in tokyo", "It is 9:07 in the evening in Tokyo."),
        ("which day is it", "Today is Friday, November 20, 2026."),
        ("現在幾點", "現在是晚上9點7分。"),
    ],
)
def test_it_speaks_of_the_time_that_the_tool_told(text: str, spoken: str) -> None:
    result = {"date": "2026-11-20", "weekday": "Friday", "time": "21:07", "time_zone": "Asia/Tokyo"}
    assert spoken_result(text, "current_time", result) == spoken


def test_it_says_goodbye_when_the_session_is_to_end() -> None:
    assert "Goodbye" in spoken_result("goodbye", "end_session", {"ends_after_this_reply": True})
    assert "Goodbye" in spoken_result("hang up", "end_session", {"ends_after_this_reply": True})


def test_it_speaks_of_any_other_result_as_it_is() -> None:
    assert spoken_result("roll dice", "roll_dice", {"eyes": [3, 4]}) == "eyes: [3, 4]."
    assert spoken_result("roll dice", "roll_dice", 5) == "5"


def test_it_says_what_a_tool_that_failed_said() -> None:
    said = spoken_result("what time is it", "current_time", {"error": "It took longer than 2 s."})
    assert said == "I tried the tool current time, and it said: It took longer than 2 s."


async def test_the_echo_calls_no_tools() -> None:
    answer = load("llm", ProviderConfig("echo")).complete([Message("user", "goodbye")], [END])
    assert "".join([str(word) async for word in answer]) == "You said: goodbye"

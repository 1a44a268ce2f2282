"""Nothing that a language model asks for is trusted, and nothing of it does any harm."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any
from uuid import uuid4

import pytest
from pydantic import Field

from interaction.core.types import ToolCall
from interaction.tools.base import Arguments, Tool, ToolContext, ToolFailed
from interaction.tools.current_time import in_language
from interaction.tools.invoke import ToolOutcome, invoke
from interaction.tools.registry import TOOLS, load_tool, tool_spec


class Dice(Arguments):
    sides: Annotated[int, Field(ge=2, le=100)] = 6


class Rolling:
    name = "roll"
    description = "Rolls dice."
    arguments = Dice
    timeout = 5.0

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    async def run(self, arguments: Dice, context: ToolContext) -> dict[str, int]:
        if self.error:
            raise self.error
        return {"rolled": arguments.sides}


class NeverDone(Rolling):
    name = "never"
    timeout = 0.01

    async def run(self, arguments: Dice, context: ToolContext) -> Any:
        await asyncio.Event().wait()


@pytest.fixture
def context() -> ToolContext:
    return ToolContext(uuid4(), uuid4(), owner_id=1)


async def called(tool: Tool, name: str, arguments: str, context: ToolContext) -> ToolOutcome:
    return await invoke({tool.name: tool}, ToolCall("1", name, arguments), context)


@pytest.mark.parametrize("arguments", ["{}", "", '{"sides": 20}', '{"sides": "20"}'])
async def test_a_call_gives_its_result_as_json(context: ToolContext, arguments: str) -> None:
    outcome = await called(Rolling(), "roll", arguments, context)
    assert outcome.status == "succeeded"
    assert json.loads(outcome.result)["rolled"] in (6, 20)
    assert outcome.for_model() == outcome.result


@pytest.mark.parametrize(
    ("name", "arguments", "complaint"),
    [
        ("launch", "{}", "There is no such tool. Available: roll."),
        ("roll", "{sides", "Invalid JSON"),
        ("roll", "[6]", "valid"),
        ("roll", '{"sides": 1}', "sides: Input should be greater than or equal to 2"),
        ("roll", '{"sides": 6, "colour": "red"}', "colour: Extra inputs are not permitted"),
    ],
)
async def test_what_is_not_valid_is_refused_and_the_model_is_told_why(
    context: ToolContext, name: str, arguments: str, complaint: str
) -> None:
    outcome = await called(Rolling(), name, arguments, context)
    assert outcome.status == "refused"
    assert complaint in outcome.result
    assert json.loads(outcome.for_model()) == {"error": outcome.result}


async def test_a_tool_that_takes_too_long_is_stopped(context: ToolContext) -> None:
    outcome = await called(NeverDone(), "never", "{}", context)
    assert (outcome.status, outcome.result) == (
        "timed_out",
        "It took longer than 0.01 s and was stopped.",
    )


async def test_a_tool_may_say_why_it_could_not(context: ToolContext) -> None:
    outcome = await called(Rolling(ToolFailed("The dice are lost.")), "roll", "{}", context)
    assert (outcome.status, outcome.result) == ("failed", "The dice are lost.")


async def test_an_error_of_the_tools_own_is_logged_without_its_words(
    context: ToolContext, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        outcome = await called(Rolling(ValueError("a secret")), "roll", "{}", context)
    assert (outcome.status, outcome.result) == ("failed", "The tool has an error of its own.")
    assert "ValueError" in caplog.text
    assert "a secret" not in caplog.text


@pytest.mark.parametrize("name", TOOLS)
def test_every_tool_in_the_table_can_be_told_to_a_model(name: str) -> None:
    spec = tool_spec(load_tool(name))
    assert (spec.name, bool(spec.description)) == (name, True)
    assert json.loads(spec.parameters)["type"] == "object"
    assert TOOLS[name].label
    assert TOOLS[name].purpose


async def test_the_time_is_told_for_a_place(context: ToolContext) -> None:
    tool = load_tool("current_time")
    taipei = await called(tool, "current_time", '{"time_zone": "Asia/Taipei"}', context)
    assert json.loads(taipei.result)["time_zone"] == "Asia/Taipei"
    here = await called(tool, "current_time", "{}", context)
    facts = {"date", "weekday", "time", "time_zone", "local_format"}
    assert set(json.loads(here.result)) == facts
    nowhere = await called(tool, "current_time", '{"time_zone": "Mars/Olympus"}', context)
    assert nowhere.status == "refused"
    assert "no such time zone" in nowhere.result


async def test_the_time_is_the_persons_in_their_language(context: ToolContext) -> None:
    tool = load_tool("current_time")
    there = replace(context, time_zone="Asia/Taipei", language="zh-TW")
    told = json.loads((await called(tool, "current_time", "{}", there)).result)
    assert told["time_zone"] == "Asia/Taipei"
    assert re.fullmatch(r"星期[一二三四五六日]", told["weekday"])
    assert re.match(r"\d{4}年\d{1,2}月\d{1,2}日 ", told["local_format"])
    elsewhere = await called(tool, "current_time", '{"time_zone": "Europe/Paris"}', there)
    assert json.loads(elsewhere.result)["time_zone"] == "Europe/Paris"


@pytest.mark.parametrize(
    ("language", "days"),
    [
        ("en", ("Monday", "Sunday")),
        ("en-GB", ("Monday", "Sunday")),
        ("zh-CN", ("星期一", "星期日")),
        ("yue", ("星期一", "星期日")),
        ("cmn", ("星期一", "星期日")),
        ("de-AT", ("Montag", "Sonntag")),
        ("fr", ("lundi", "dimanche")),
        ("ja", ("月曜日", "日曜日")),
        ("pt-BR", ("Segunda-feira", "Domingo")),
        ("qu", ("Monday", "Sunday")),
    ],
)
def test_days_have_their_names_in_the_sessions_language(
    language: str, days: tuple[str, str]
) -> None:
    monday, sunday = datetime(2026, 11, 23), datetime(2026, 11, 29)
    names = [in_language(day, language)["weekday"] for day in (monday, sunday)]
    assert [name.lower() for name in names] == [day.lower() for day in days]


async def test_ending_the_session_is_asked_for_and_not_done_at_once(context: ToolContext) -> None:
    outcome = await called(load_tool("end_session"), "end_session", "{}", context)
    assert outcome.status == "succeeded"
    assert context.end_session_requested

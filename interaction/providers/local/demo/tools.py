"""Tools, so that they can be tried without a language model: it calls one that it is given when
it is asked for what that one does, and speaks of the result."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from interaction.core.signals import Message, ToolCall, ToolSpec
from interaction.providers.local.demo.clock import (
    DAY,
    MONTH,
    TIME,
    YEAR,
    part_of_day,
    telling_the_date,
)
from interaction.providers.local.demo.manners import LEAVING, taking_leave
from interaction.providers.local.demo.said import Said, plain

ENDING = (
    rf"{LEAVING}|\b(?:end|finish|stop|close) (?:the |this |our )?"
    r"(?:session|conversation|call|talk)\b|\bhang up\b"
)
ENDING_IN_CHINESE = r"再見|拜拜|再见|結束(?:對話|通話)|结束(?:对话|通话)|掛斷"
ASKING_IN_CHINESE = r"幾點|几点|幾號|几号|日期|星期幾|星期几"
CASTS: dict[str, Callable[[str], Any]] = {"integer": int, "number": float, "string": str}


def calling(said: Said, tools: Sequence[ToolSpec]) -> ToolCall | None:
    """The call that these words ask for, if one of the tools does that."""
    for tool in tools:
        arguments = WANTED.get(tool.name, _named(tool))(said)
        if arguments is not None:
            return ToolCall(f"call_{uuid.uuid4().hex}", tool.name, json.dumps(arguments))
    return None


def telling(messages: Sequence[Message], now: datetime) -> str:
    """The reply to the results that the context ends with."""
    spoken = []
    said = _asked(messages, now)
    calls = {call.id: call.name for message in messages for call in message.tool_calls}
    for message in _results(messages):
        name = calls.get(message.tool_call_id, "tool")
        result = _loaded(message.content)
        if isinstance(result, dict) and "error" in result:
            spoken.append(f"I tried the tool {_words(name)}, and it said: {result['error']}")
        else:
            spoken.append(SPOKEN.get(name, _plainly)(said, result))
    return " ".join(spoken)


def _wanting_time(said: Said) -> dict[str, str] | None:
    asked = said.matches("|".join((TIME, DAY, MONTH, YEAR)))
    if not asked and not re.search(ASKING_IN_CHINESE, said.text):
        return None
    place = re.search(r"\bin ([a-z' ]+)$", said.plain)
    zone = _zones().get(place[1].strip()) if place else None
    return {"time_zone": zone} if zone else {}


def _wanting_the_end(said: Said) -> dict[str, str] | None:
    return {} if said.matches(ENDING) or re.search(ENDING_IN_CHINESE, said.text) else None


def _named(tool: ToolSpec) -> Callable[[Said], dict[str, Any] | None]:
    """Any other tool is called by its name, its arguments by theirs: "roll dice with sides 6"."""

    def wanting(said: Said) -> dict[str, Any] | None:
        if not said.matches(rf"\b{re.escape(_words(tool.name))}\b"):
            return None
        properties = json.loads(tool.parameters).get("properties", {})
        given = {name: _given(said, name, schema) for name, schema in properties.items()}
        return {name: value for name, value in given.items() if value is not None}

    return wanting


def _given(said: Said, name: str, schema: dict[str, Any]) -> Any:
    found = re.search(rf"\b{re.escape(_words(name))} (?:is |to |of )?(\S+)", said.plain)
    cast = CASTS.get(schema.get("type", ""))
    if not found or not cast:
        return None
    try:
        return cast(found[1])
    except ValueError:
        return None


def _spoken_time(said: Said, result: Any) -> str:
    try:
        at = datetime.fromisoformat(f"{result['date']}T{result['time']}")
        place = str(result.get("time_zone", "")).rsplit("/")[-1].replace("_", " ")
    except (KeyError, TypeError, ValueError):
        return _plainly(said, result)
    if re.search(ASKING_IN_CHINESE, said.text):
        return f"現在是{at.month}月{at.day}日，{at.hour}點{at.minute}分。"
    if not said.matches(TIME) and (date := telling_the_date(Said(said.text, said.before, at))):
        return date
    where = f" in {place}" if place not in ("", "UTC") else ", U T C" if place else ""
    return f"It is {at.hour % 12 or 12}:{at:%M} {part_of_day(at)}{where}."


def _spoken_end(said: Said, result: Any) -> str:
    if re.search(ENDING_IN_CHINESE, said.text):
        return "再見，很高興和你聊天。"
    return taking_leave(said) or "All right. Goodbye."


def _plainly(said: Said, result: Any) -> str:
    if isinstance(result, dict):
        facts = (f"{_words(name)}: {_plainly(said, value)}" for name, value in result.items())
        return ", ".join(facts).rstrip(".") + "."
    return str(result)


WANTED: dict[str, Callable[[Said], dict[str, Any] | None]] = {
    "current_time": _wanting_time,
    "end_session": _wanting_the_end,
}
SPOKEN: dict[str, Callable[[Said, Any], str]] = {
    "current_time": _spoken_time,
    "end_session": _spoken_end,
}


def _results(messages: Sequence[Message]) -> list[Message]:
    last = len(messages)
    while last and messages[last - 1].role == "tool":
        last -= 1
    return list(messages[last:])


def _asked(messages: Sequence[Message], now: datetime) -> Said:
    """What the person said before the tools were called."""
    for at in range(len(messages) - 1, -1, -1):
        if messages[at].role == "user":
            return Said(messages[at].content, messages[:at], now)
    return Said("", (), now)


def _loaded(content: str) -> Any:
    try:
        return json.loads(content)
    except json.JSONDecodeError:
        return content


def _words(name: str) -> str:
    return plain(re.sub(r"[_-]+", " ", name))


@cache
def _zones() -> dict[str, str]:
    """Time zones by the city that names them."""
    return {plain(name.rsplit("/")[-1].replace("_", " ")): name for name in available_timezones()}

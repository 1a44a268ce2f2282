"""Tools, so that they can be tried without a language model: it calls one that it is given when
it is asked for what that one does, and speaks of the result."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from interaction.core.types import Message, ToolCall, ToolSpec
from interaction.providers._shared.tool_call_parsing import new_id
from interaction.providers.local.demo import chinese
from interaction.providers.local.demo.arguments import arguments, spaced
from interaction.providers.local.demo.clock import (
    DAY,
    MONTH,
    TIME,
    YEAR,
    part_of_day,
    telling_the_date,
)
from interaction.providers.local.demo.small_talk import LEAVING, taking_leave
from interaction.providers.local.demo.utterance import Utterance, plain

ENDING = (
    rf"{LEAVING}|\b(?:end|finish|stop|close) (?:the |this |our )?"
    r"(?:session|conversation|call|talk)\b|\bhang up\b"
)
ENDING_IN_CHINESE = r"再見|拜拜|再见|結束(?:對話|通話)|结束(?:对话|通话)|掛斷"
ASKING_IN_CHINESE = f"{chinese.TIME}|{chinese.DATE}"
DOING = {
    *("a", "an", "by", "for", "from", "in", "of", "on", "the", "to", "up"),
    *("call", "check", "current", "fetch", "find", "get", "look", "lookup", "query", "read"),
    *("retrieve", "search", "show", "tell"),
}
"""Words of a tool's name that nobody says who wants it: "get_weather" is about the weather."""


def find_call(
    utterance: Utterance, tools: Sequence[ToolSpec], tool_choice: str = "auto"
) -> ToolCall | None:
    """The call that these words ask for, if one of the tools does that. Where one must be called,
    it is the one that comes nearest."""
    if tool_choice == "none":
        return None
    if tool_choice not in ("auto", "required"):
        tools = [tool for tool in tools if tool.name == tool_choice]
    for tool in tools:
        given = WANTED.get(tool.name, _named(tool))(utterance)
        if given is not None:
            return _call(tool, given)
    if tool_choice == "auto" or not tools:
        return None
    nearest = max(tools, key=lambda tool: _nearness(tool, utterance))
    return _call(nearest, arguments(utterance, json.loads(nearest.parameters), insist=True))


def _call(tool: ToolSpec, given: dict[str, Any]) -> ToolCall:
    return ToolCall(new_id(), tool.name, json.dumps(given))


def _nearness(tool: ToolSpec, utterance: Utterance) -> int:
    """How many words it and the person have in common."""
    about = set(f"{spaced(tool.name)} {plain(tool.description)}".split()) - DOING
    return len(about & set(utterance.plain.split()))


def speak_results(messages: Sequence[Message], now: datetime) -> str:
    """The reply to the results that the context ends with."""
    spoken = []
    utterance = _asked(messages, now)
    names = {call.id: call.name for message in messages for call in message.tool_calls}
    for message in _results(messages):
        name = names.get(message.tool_call_id, "tool")
        result = _loaded(message.content)
        if isinstance(result, dict) and "error" in result:
            spoken.append(_spoken_error(utterance, spaced(name), result["error"]))
        else:
            spoken.append(SPOKEN.get(name, _plainly)(utterance, result))
    return " ".join(spoken)


def _spoken_error(utterance: Utterance, tool: str, error: Any) -> str:
    if chinese.HAN.search(utterance.text):
        return f"我試過 {tool} 這個工具，它說：{error}"
    return f"I tried the tool {tool}, and it said: {error}"


def _wanting_time(utterance: Utterance) -> dict[str, str] | None:
    asked = utterance.matches("|".join((TIME, DAY, MONTH, YEAR)))
    if not asked and not re.search(ASKING_IN_CHINESE, utterance.text):
        return None
    place = re.search(r"\bin ([a-z' ]+)$", utterance.plain)
    zone = _zones().get(place[1].strip()) if place else None
    return {"time_zone": zone} if zone else {}


def _wanting_the_end(utterance: Utterance) -> dict[str, str] | None:
    return {} if utterance.matches(ENDING) or re.search(ENDING_IN_CHINESE, utterance.text) else None


def _named(tool: ToolSpec) -> Callable[[Utterance], dict[str, Any] | None]:
    """Any other tool is called by its name, its arguments by theirs: "roll dice with sides 6"."""
    name = spaced(tool.name).split()
    about = [word for word in name if word not in DOING] or name

    def wanting(utterance: Utterance) -> dict[str, Any] | None:
        if not about or not all(utterance.matches(rf"\b{re.escape(word)}\b") for word in about):
            return None
        return arguments(utterance, json.loads(tool.parameters))

    return wanting


def _spoken_time(utterance: Utterance, result: Any) -> str:
    try:
        at = datetime.fromisoformat(f"{result['date']}T{result['time']}")
        place = str(result.get("time_zone", "")).rsplit("/")[-1].replace("_", " ")
    except (KeyError, TypeError, ValueError):
        return _plainly(utterance, result)
    if told := chinese.telling_when(utterance.text, at):
        return told
    if not utterance.matches(TIME) and (
        date := telling_the_date(Utterance(utterance.text, utterance.before, at))
    ):
        return date
    where = f" in {place}" if place not in ("", "UTC") else ", UTC" if place else ""
    return f"It is {at.hour % 12 or 12}:{at:%M} {part_of_day(at)}{where}."


def _spoken_end(utterance: Utterance, result: Any) -> str:
    if re.search(ENDING_IN_CHINESE, utterance.text):
        return "再見，很高興和你聊天。"
    return taking_leave(utterance) or "All right. Goodbye."


def _plainly(utterance: Utterance, result: Any) -> str:
    if isinstance(result, dict):
        facts = (f"{spaced(name)}: {_plainly(utterance, value)}" for name, value in result.items())
        return ", ".join(facts).rstrip(".") + "."
    return str(result)


WANTED: dict[str, Callable[[Utterance], dict[str, Any] | None]] = {
    "current_time": _wanting_time,
    "end_session": _wanting_the_end,
}
SPOKEN: dict[str, Callable[[Utterance, Any], str]] = {
    "current_time": _spoken_time,
    "end_session": _spoken_end,
}


def _results(messages: Sequence[Message]) -> list[Message]:
    last = len(messages)
    while last and messages[last - 1].role == "tool":
        last -= 1
    return list(messages[last:])


def _asked(messages: Sequence[Message], now: datetime) -> Utterance:
    """What the person said before the tools were called."""
    for at in range(len(messages) - 1, -1, -1):
        if messages[at].role == "user":
            return Utterance(messages[at].content, messages[:at], now)
    return Utterance("", (), now)


def _loaded(content: str) -> Any:
    try:
        return json.loads(content)
    except json.JSONDecodeError:
        return content


@cache
def _zones() -> dict[str, str]:
    """Time zones by the city that names them."""
    return {plain(name.rsplit("/")[-1].replace("_", " ")): name for name in available_timezones()}

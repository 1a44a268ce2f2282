"""Tool calls that a model has written into its text, where its server does not read them.

Models call tools in the words of their training (``<tool_call>{"name": …}</tool_call>`` and the
like), and the server makes calls of that; one that does not, or was started without, passes the
words on. From a mark of a call on, the text waits until the answer has ended: it is calls, or text
after all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from typing import Any

from interaction.core.types import ToolCall
from interaction.providers._shared.mark_filter import is_quoted
from interaction.providers._shared.tool_call_assembler import ToolCallAssembler
from interaction.providers._shared.tool_call_parsing import new_id
from interaction.providers._shared.valid_text import valid_arguments

MARKS = (
    *("<tool_call>", "<tool_calls>", "<function=", "<function_call>", "<functioncall>", "<tools>"),
    *("<|tool_call|>", "<|tool_call>", "<|tool_calls_section_begin|>", "<|python_tag|>"),
    *("[tool_calls]", "[tool_call]", "<｜tool▁calls▁begin｜>", "<｜tool▁call▁begin｜>"),
    *("<minimax:tool_call>", "<invoke ", "<function_calls>", "<｜dsml｜"),
)
"""How a call may begin, in lower case."""
MARK = re.compile("|".join(map(re.escape, MARKS)))
LONGEST_MARK = max(map(len, MARKS))
BARE = re.compile(r"\s*(?:```(?:json)?\s*)?[\[{]", re.IGNORECASE)
"""The beginning of an answer that may be nothing but a call."""
MAY_BE_BARE = re.compile(r"\s*(?:`{1,3}(?:j?s?o?n?)\s*)?", re.IGNORECASE)
ELEMENTS = re.compile(
    r"<(?:parameter|arg)(?:=| name=)\"?([\w-]+)\"?[^>]*>\s*(.*?)\s*</(?:parameter|arg)>"
    r"|<arg_key>\s*(.*?)\s*</arg_key>\s*<arg_value>\s*(.*?)\s*</arg_value>",
    re.DOTALL,
)
"""Arguments as elements: ``<parameter=city>Paris</parameter>``."""


class WrittenCalls:
    """Text in pieces of any size, of one answer to a request that offered tools."""

    def __init__(self, tool_names: Collection[str]) -> None:
        self._names = tool_names
        self._waiting = ""
        """What may become a mark, or stands behind one."""
        self._is_held = False
        """A mark was found: all that follows waits."""
        self._any_text = False
        self._last = ""
        """The last two characters that were passed on."""

    def feed(self, text: str) -> str:
        """What of it, and of what waited, is text for sure; it may be empty."""
        self._waiting += text
        if self._is_held or not self._names:
            return "" if self._is_held else self._take(len(self._waiting))
        if not self._any_text:
            if BARE.match(self._waiting):
                self._is_held = True
                return ""
            if MAY_BE_BARE.fullmatch(self._waiting):
                return ""
        low = self._waiting.lower()
        if found := _marks_in(self._last + low):
            self._is_held = True
            return self._take(found[0] - len(self._last))
        return self._take(_beginning_of_mark(low))

    def finish(self) -> tuple[str, list[ToolCall]]:
        """The answer has ended: the rest of its text, or the calls that it was."""
        rest, self._waiting = self._waiting, ""
        calls = list(_calls_in(rest, self._names)) if self._is_held else []
        return ("", calls) if calls else (rest, [])

    def _take(self, end: int) -> str:
        text, self._waiting = self._waiting[:end], self._waiting[end:]
        self._any_text = self._any_text or bool(text.strip())
        self._last = (self._last + text)[-2:]
        return text


def _marks_in(text: str) -> list[int]:
    """Where marks stand that no code or quotation mark precedes: there, somebody speaks of one."""
    places = (found.start() for found in MARK.finditer(text))
    return [at for at in places if not is_quoted(text[max(0, at - 2) : at])]


def _beginning_of_mark(text: str) -> int:
    """Where the end of the text may be the beginning of a mark; the text's length: nowhere."""
    for at in range(max(0, len(text) - LONGEST_MARK), len(text)):
        if any(mark.startswith(text[at:]) for mark in MARKS):
            return at
    return len(text)


def _calls_in(text: str, names: Collection[str]) -> Iterator[ToolCall]:
    found = [call for one in _objects(text) for call in _calls_of(one)]
    is_marked = bool(_marks_in(text.lower()))
    if not is_marked:
        # Nothing says that it is a call but that it names a tool.
        found = [call for call in found if call.name in names]
    if found or not is_marked:
        yield from found
        return
    named = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    # Before the first name, then names and what follows each.
    _before, *parts = re.split(rf"(?<![\w-])({named})(?![\w-])", text)
    for name, rest in zip(parts[::2], parts[1::2], strict=True):
        yield ToolCall(new_id(), name, valid_arguments(json.dumps(_arguments_in(rest))))


def _calls_of(value: dict[str, Any]) -> list[ToolCall]:
    several = value.get("tool_calls")
    assembler = ToolCallAssembler()
    if isinstance(several, list):
        assembler.feed(several)
    elif _is_call(value):
        assembler.feed(value)
    return assembler.complete()


def _is_call(value: dict[str, Any]) -> bool:
    function = value.get("function")
    named = isinstance(value.get("name"), str) or isinstance(function, str | dict)
    keys = value.keys() | (function.keys() if isinstance(function, dict) else set())
    return named and bool(keys & {"arguments", "parameters", "input", "args"})


def _arguments_in(text: str) -> dict[str, Any]:
    if given := next(_objects(text), None):
        return given
    pairs = ((one[1] or one[3], one[2] if one[1] else one[4]) for one in ELEMENTS.finditer(text))
    return {key: _value(value) for key, value in pairs if key}


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """The outermost JSON objects in a text."""
    decoder, at = json.JSONDecoder(strict=False), 0
    while (at := text.find("{", at)) >= 0:
        try:
            value, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            at += 1
            continue
        yield value

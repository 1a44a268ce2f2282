"""Tool calls from the pieces that a streamed answer brings, however a server numbers, names or
repeats them."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from interaction.core.types import ToolCall
from interaction.providers._shared.tool_call_parsing import new_id
from interaction.providers._shared.valid_text import valid_arguments, valid_text

NO_ARGUMENTS = ("", "null", "none", "undefined")


@dataclass
class _OpenCall:
    id: str
    """The server's; empty: it has given none."""
    index: int | None
    name: str = ""
    arguments: str = ""

    @property
    def is_whole(self) -> bool:
        return _is_object(self.arguments)


@dataclass(frozen=True, slots=True)
class _Piece:
    index: int | None
    id: str
    name: str
    arguments: str


class ToolCallAssembler:
    """A piece belongs to the call of its id or its index. Some servers give every call the same
    index, or none, and each call whole, or repeat the name in every piece."""

    def __init__(self, tool_names: Collection[str] = ()) -> None:
        """``tool_names``: of the tools that there are; they tell a name's piece from a name."""
        self.any_pieces = False
        self._names = tool_names
        self._calls: list[_OpenCall] = []

    def feed(self, pieces: Any) -> None:
        """``pieces``: what the answer has as its ``tool_calls``, or as its ``function_call``."""
        if isinstance(pieces, dict):
            pieces = [pieces]
        for raw in pieces if isinstance(pieces, list) else ():
            if isinstance(raw, dict):
                self.any_pieces = True
                self._add(_piece_of(raw))

    def complete(self) -> list[ToolCall]:
        return [
            ToolCall(valid_text(call.id or new_id()), valid_text(call.name), _arguments_of(call))
            for call in self._calls
            if call.name
        ]

    def _add(self, piece: _Piece) -> None:
        call = self._call_of(piece)
        if call is None:
            call = _OpenCall(piece.id, piece.index)
            self._calls.append(call)
        call.id = call.id or piece.id
        call.name = self._name(call.name, piece.name)
        call.arguments = _joined(call.arguments, piece.arguments)

    def _call_of(self, piece: _Piece) -> _OpenCall | None:
        """The call that a piece goes on with; None: it begins another one."""
        latest = self._calls[::-1]
        same_id = next((call for call in latest if piece.id and call.id == piece.id), None)
        at_index = next((call for call in latest if call.index == piece.index), None)
        if same_id:
            begins = piece.index != same_id.index and piece.name and same_id.name
            return (None if at_index is None else at_index) if begins else same_id
        if piece.index is not None and at_index is None:
            # One without a head is the tail of the last call, by another number.
            last = next(iter(latest), None)
            return None if piece.id or piece.name else last
        call = at_index or next(iter(latest), None)
        if call is None:
            return None
        if piece.id and call.id:
            goes_on = not piece.name or (call.arguments and not call.is_whole)
            return call if goes_on and piece.name in ("", call.name) and not call.is_whole else None
        return call if self._goes_on(call, piece) else None

    def _goes_on(self, call: _OpenCall, piece: _Piece) -> bool:
        if not piece.name or not call.name:
            return True
        if call.name in self._names and piece.name in self._names and piece.name != call.name:
            return False
        if call.is_whole:
            repeats = not piece.arguments or _joined(call.arguments, piece.arguments) == (
                call.arguments
            )
            return piece.name == call.name and repeats
        return True

    def _name(self, name: str, piece: str) -> str:
        """A name from its pieces; one that is repeated, or grows, is one name."""
        if not name or piece.startswith(name):
            return piece or name
        if not piece or name in self._names or name.startswith(piece):
            return name
        return name + piece


def _piece_of(raw: dict[str, Any]) -> _Piece:
    function = raw.get("function")
    if not isinstance(function, dict):
        function = {**raw, "name": function} if isinstance(function, str) else raw
    index, id_ = raw.get("index"), raw.get("id") or raw.get("call_id") or raw.get("tool_call_id")
    if isinstance(index, str) and index.isdigit():
        index = int(index)
    name = function.get("name")
    arguments = next(
        (
            function[key]
            for key in ("arguments", "parameters", "input", "args")
            if function.get(key)
        ),
        "",
    )
    return _Piece(
        index=index if isinstance(index, int) else None,
        id=str(id_) if isinstance(id_, str | int) and id_ else "",
        name=name.strip() if isinstance(name, str) else "",
        arguments=arguments if isinstance(arguments, str) else _json(arguments),
    )


def _joined(so_far: str, piece: str) -> str:
    """Arguments with the next piece, which may repeat all that came before it."""
    begins_anew = so_far.lstrip().startswith("{") and piece.lstrip().startswith("{")
    if begins_anew and (piece.startswith(so_far) or so_far.strip() == "{}"):
        return piece
    if _is_object(so_far):
        return so_far
    return so_far + piece


def _arguments_of(call: _OpenCall) -> str:
    arguments = call.arguments
    if arguments.strip().lower() in NO_ARGUMENTS:
        return "{}"
    if arguments.lstrip().startswith('"'):
        # JSON in JSON.
        try:
            inner = json.loads(arguments)
        except ValueError:
            inner = ""
        if isinstance(inner, str) and _is_object(inner):
            arguments = inner
    return valid_arguments(arguments)


def _json(value: Any) -> str:
    return json.dumps(value) if isinstance(value, dict) else ""


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text, strict=False), dict)
    except (ValueError, RecursionError):
        return False

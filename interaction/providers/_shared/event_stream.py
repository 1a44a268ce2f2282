"""The body of an answer that is streamed as server-sent events, or comes as JSON after all.

Sans-IO. Servers send events under any content type, leave out the space after ``data:``, ignore the
wish for a stream, or answer with one JSON object a line; all of that is read here.
"""

from __future__ import annotations

import codecs
import json
from dataclasses import dataclass
from typing import Any

FIELDS = ("data", "event", "id", "retry")
ANSWERS = frozenset({"choices", "content", "candidates", "delta", "text", "usage"})
"""Fields of what is no error."""
DONE = "[DONE]"
"""What OpenAI's protocol sends after the last event."""


@dataclass(frozen=True, slots=True)
class ServerEvent:
    name: str
    """Of its ``event:`` line; empty: it has none."""
    body: dict[str, Any]
    whole: bool = False
    """It was not streamed: it is the whole answer, or a line of one."""


class EventStream:
    """Events from the bytes of an answer, however they are cut. What is no event, and no JSON
    object, is passed over."""

    def __init__(self) -> None:
        self.done = False
        """The mark ``[DONE]`` has come."""
        self.any_events = False
        """An event has come."""
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
        self._line = ""
        self._name = ""
        self._data: list[str] = []
        self._raw: list[str] = []
        """Lines that are no fields of an event."""

    def feed(self, data: bytes) -> list[ServerEvent]:
        """The events that are complete with this."""
        return self._read(self._decoder.decode(data))

    def finish(self) -> list[ServerEvent]:
        """The answer has ended: the event that no empty line followed, or the whole body."""
        events = self._read(self._decoder.decode(b"", final=True) + "\n\n")
        return [*events, *self._raw_events()]

    def _read(self, text: str) -> list[ServerEvent]:
        # A carriage return at the end waits for its line feed.
        *lines, self._line = (self._line + text).replace("\r\n", "\n").split("\n")
        if "\r" in self._line[:-1]:
            *more, self._line = self._line.split("\r")
            lines += more
        return [event for line in lines for part in line.split("\r") for event in self._feed(part)]

    def _feed(self, line: str) -> list[ServerEvent]:
        if not line:
            return self._dispatch()
        field, colon, value = line.partition(":")
        if line.startswith(":"):
            return []
        if not colon or field not in FIELDS:
            self._raw.append(line)
            return []
        value = value.removeprefix(" ")
        if field == "event":
            self._name = value.strip()
        elif field == "data":
            if value.strip().strip('"').upper() == DONE:
                self.done = True
                return self._dispatch()
            if self._data and _object("\n".join(self._data)) is not None:
                # The empty line between two events is missing.
                return [*self._dispatch(), *self._feed(line)]
            self._data.append(value)
        return []

    def _dispatch(self) -> list[ServerEvent]:
        body = _object("\n".join(self._data)) if self._data else None
        name, self._name, self._data = self._name, "", []
        self.any_events = self.any_events or body is not None or self.done
        return [ServerEvent(name, body)] if body is not None else []

    def _raw_events(self) -> list[ServerEvent]:
        objects = _objects("\n".join(self._raw))
        if not objects:
            objects = [body for line in self._raw if (body := _object(line)) is not None]
        events = [ServerEvent("", body, whole=True) for body in objects]
        self.any_events = self.any_events or bool(events)
        return events


def error_code_in(event: ServerEvent) -> str | None:
    """The code of the error that an event tells, empty where it has none; None: it tells no error.

    Known are ``{"error": {…}}``, ``{"error": "…"}``, ``{"detail": …}``, ``{"message": "…"}`` and
    every event that is named so.
    """
    body = event.body
    error = body.get("error") or body.get("errors")
    named = event.name == "error" or body.get("type") == "error" or body.get("object") == "error"
    told = isinstance(body.get("message"), str) or "detail" in body
    if not (error or named or (told and not ANSWERS & body.keys())):
        return None
    if isinstance(error, list):
        error = next(iter(error), None)
    found = {**body, **error} if isinstance(error, dict) else body
    if isinstance(error, str):
        return error
    codes = (found.get(key) for key in ("code", "type", "status"))
    return next((str(code) for code in codes if code and code != "error"), "")


def _object(text: str) -> dict[str, Any] | None:
    return next(iter(_objects(text)), None)


def _objects(text: str) -> list[dict[str, Any]]:
    """A JSON object, or those of a list, as Google's servers send errors, and whole answers where
    they do not stream. A string is an error."""
    try:
        value = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return []
    if isinstance(value, str):
        return [{"error": value}]
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict)]

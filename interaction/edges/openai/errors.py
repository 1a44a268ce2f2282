"""Ids, errors and the reading of messages in OpenAI's Realtime protocol (GA)."""

from __future__ import annotations

import json
import re
import secrets
from typing import Any
from uuid import UUID

Event = dict[str, Any]
"""A JSON object with a ``type``, either way."""


def new_id(kind: str) -> str:
    """``kind``: event, item, resp, sess, conv, call."""
    return f"{kind}_{secrets.token_hex(12)}"


def id_of(kind: str, core_id: UUID) -> str:
    """The protocol's id for something that has an id in the core. ``kind``: as in ``new_id``."""
    return f"{kind}_{core_id.hex}"


class ClientError(Exception):
    """What the client asked for cannot be done: an ``error`` event, and the session goes on.

    ``param``: the field that is wrong."""

    def __init__(self, code: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.param = param

    def event(self, client_event_id: str | None) -> Event:
        return error(self.code, self.message, param=self.param, client_event_id=client_event_id)


DEEPEST = 64
"""Levels of a JSON document that a client may send."""
LONGEST_TEXT = 200_000
LONGEST_MEDIUM = 24 * 1024 * 1024
"""Characters of one text in it, and of audio or a picture."""
_NO_CHARACTER = re.compile("[\0\ud800-\udfff]")


def read_event(text: str) -> Event:
    """A client's message. Raises ``ClientError``."""
    try:
        event = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise ClientError("invalid_json", "The message holds no valid JSON.") from None
    if not isinstance(event, dict):
        raise ClientError("invalid_json", "A message must be one JSON object.")
    check_limits(event)
    return event


def check_limits(value: Any, *, longest: int = LONGEST_TEXT, depth: int = 0) -> None:
    """Refuse what no database, encoder or validator can take: NULs, halves of surrogate pairs,
    nesting and texts beyond the limits. Raises ``ClientError``."""
    match value:
        case str():
            if len(value) > longest:
                raise ClientError("invalid_value", f"A text has {longest} characters at most.")
            if _NO_CHARACTER.search(value):
                raise ClientError("invalid_value", "A text holds a character that is none.")
        case dict() | list() if depth >= DEEPEST:
            raise ClientError("invalid_value", f"A message has {DEEPEST} levels at most.")
        case dict():
            for key, inner in value.items():
                check_limits(key)
                most = LONGEST_MEDIUM if key in ("audio", "image_url") else LONGEST_TEXT
                check_limits(inner, longest=most, depth=depth + 1)
        case list():
            for inner in value:
                check_limits(inner, depth=depth + 1)


def _no_number(word: str) -> None:
    raise ValueError(f"{word} is not JSON")


def error(
    code: str,
    message: str,
    *,
    kind: str = "invalid_request_error",
    param: str | None = None,
    client_event_id: str | None = None,
) -> Event:
    return {
        "type": "error",
        "error": {
            "type": kind,
            "code": code,
            "message": message,
            "param": param,
            "event_id": client_event_id,
        },
    }

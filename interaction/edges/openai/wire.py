"""Names, ids and complaints of OpenAI's Realtime protocol (GA)."""

from __future__ import annotations

import secrets
from typing import Any
from uuid import UUID

Event = dict[str, Any]
"""A JSON object with a ``type``, either way."""

GOING_AWAY, BROKEN, TRY_LATER = 1001, 1011, 1013
"""Closes after which clients come back by themselves."""
TOO_MUCH, TOO_SLOW = 4413, 4408
"""Closes after which they do not."""


def new_id(kind: str) -> str:
    """``kind``: event, item, resp, sess, conv, call."""
    return f"{kind}_{secrets.token_hex(12)}"


def id_of(kind: str, ours: UUID) -> str:
    """The protocol's id for something that has one of ours."""
    return f"{kind}_{ours.hex}"


class Complaint(Exception):
    """What the client asked for cannot be done: an ``error`` event, and the session goes on."""

    def __init__(self, code: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.param = param

    def event(self, client_event_id: str | None) -> Event:
        return error(self.code, self.message, param=self.param, client_event_id=client_event_id)


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

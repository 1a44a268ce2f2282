"""Ids and arguments of tool calls, which may have come from another provider before a fallback."""

from __future__ import annotations

import json
import uuid
from typing import Any

from interaction.core.types import ToolCall

_SEPARATOR = "|"
"""Stands in a call's id before what its provider wants to have back with the call."""


def new_id() -> str:
    """An id for a call whose provider gave none, of a length that every provider takes."""
    return f"call_{uuid.uuid4().hex[:24]}"


def with_extra(id_: str, extra: str) -> str:
    """An id that carries what its provider wants to have back with the call."""
    return f"{id_}{_SEPARATOR}{extra}" if extra else id_


def bare_id(id_: str) -> str:
    """The id alone, for providers to which the rest means nothing."""
    return id_.partition(_SEPARATOR)[0]


def extra_of(id_: str) -> str:
    return id_.partition(_SEPARATOR)[2]


def arguments_of(call: ToolCall) -> dict[str, Any]:
    """The arguments as an object. What a model wrote need not have been JSON, but where the API
    takes an object, it has to be sent as one."""
    try:
        value = json.loads(call.arguments)
    except json.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}

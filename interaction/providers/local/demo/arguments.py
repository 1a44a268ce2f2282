"""The arguments of a call, out of an utterance. Schemas come from anybody: nothing is taken for
granted."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from interaction.providers.local.demo.utterance import Utterance, plain

CASTS: dict[str, Callable[[str], Any]] = {"integer": int, "number": float, "string": str}
NUMBER = r"-?\d+(?:\.\d+)?"
PLACE = r"(?i)\b(?:in|at|for|to|of|about|from|on)\s+(?!the\b)(.+)"
"""What most often comes after the verb: "the weather in Paris"."""
AFTER = r"(?i)[\s,]*\b(?:today|tomorrow|now|right now|please|thanks|thank you)\b.*$"
ANYTHING: dict[str, Any] = {"integer": 1, "number": 1.0, "boolean": True, "array": [], "object": {}}


def arguments(utterance: Utterance, schema: Any, *, insist: bool = False) -> dict[str, Any]:
    """Those that are named are given, "with sides 6"; required ones also where they are not named
    but recognised; with ``insist``, all of the required ones."""
    schema = _object(schema)
    required = schema.get("required")
    needed = required if isinstance(required, list) else []
    given: dict[str, Any] = {}
    for name, raw in _object(schema.get("properties")).items():
        wanted = _object(raw)
        value = _named(utterance, name, wanted)
        if value is None and name in needed:
            value = _recognised(utterance, wanted)
            if value is None and insist:
                value = _anything(utterance, wanted)
        if value is not None:
            given[name] = value
    return given


def spaced(name: str) -> str:
    """The words of an identifier."""
    return plain(re.sub(r"[_\W]+|(?<=[a-z0-9])(?=[A-Z])", " ", name))


def _named(utterance: Utterance, name: str, wanted: dict[str, Any]) -> Any:
    words = spaced(name)
    found = (
        re.search(rf"\b{re.escape(words)} (?:is |to |of )?(\S+)", utterance.plain)
        if words
        else None
    )
    cast = CASTS.get(_type(wanted))
    if not found or not cast:
        return None
    return _cast(cast, found[1])


def _recognised(utterance: Utterance, wanted: dict[str, Any]) -> Any:
    for choice in _choices(wanted):
        words = plain(str(choice))
        if words and re.search(rf"\b{re.escape(words)}\b", utterance.plain):
            return choice
    kind = _type(wanted)
    if kind in ("integer", "number"):
        found = re.search(NUMBER, utterance.plain)
        return _cast(CASTS[kind], found[0]) if found else None
    if kind == "string" and not _choices(wanted) and (place := re.search(PLACE, utterance.text)):
        return re.sub(AFTER, "", place[1]).strip(" .,!?") or None
    return None


def _anything(utterance: Utterance, wanted: dict[str, Any]) -> Any:
    if choices := _choices(wanted):
        return choices[0]
    kind = _type(wanted)
    return utterance.text if kind == "string" else wanted.get("minimum", ANYTHING.get(kind))


def _type(wanted: dict[str, Any]) -> str:
    """Its type; of several, the first that is not null."""
    kind = wanted.get("type", "string")
    kinds = kind if isinstance(kind, list) else [kind]
    return next((one for one in kinds if isinstance(one, str) and one != "null"), "string")


def _choices(wanted: dict[str, Any]) -> list[Any]:
    choices = wanted.get("enum")
    return choices if isinstance(choices, list) else []


def _cast(cast: Callable[[str], Any], text: str) -> Any:
    try:
        value = cast(text)
    except ValueError:
        return None
    # JSON has no words for the others.
    return value if not isinstance(value, float) or math.isfinite(value) else None


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}

"""Values that make no sense, or barely any, for every scalar that a client may send."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

HALF = "\ud800"
"""Half a surrogate pair: JSON can name it, and no encoding has it."""
ODD: list[Any] = [
    *(None, True, False, 0, -1, 1, 2**31, 2**63, -(2**63) - 1, 10**20, 0.5, -0.0, 1e-320, 1e308),
    *("", " ", "\0", "a\0b", "\u200b", "\u202e", "\ufeff", "x" * 65, "x" * 201, "x" * 20_001),
    *(HALF, f"a{HALF}b", "\udc00\ud800", "☃" * 40, "٣", "1", "true", "null", "NaN", "1e400"),
    *("openai", "../../etc/passwd", "<script>", "%s%n", "{}", "'; --", "Asia/Taipei", "en"),
    *("00000000-0000-0000-0000-000000000000", "AAAA", "AAA", "====", "server_vad", "auto"),
    *([], [None], [[]], [0] * 40, ["x"], {}, {"": None}, {"name": []}, {"type": {}}, [{"a": 1}]),
]

Schema = Mapping[str, Any]
Path = tuple[str | int, ...]


def with_odd_values(schema: Schema, whole: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """``whole`` with each odd value at each place that the schema has, one at a time."""
    for path in places(schema, schema.get("$defs", {})):
        for value in ODD:
            message = copy.deepcopy(whole)
            put(message, path, value)
            yield message


def places(schema: Schema, parts: Schema, depth: int = 0) -> Iterator[Path]:
    """Where values stand: every field of every object, and the first entry of every list."""
    if "$ref" in schema:
        schema = parts[schema["$ref"].rpartition("/")[2]]
    if depth < 6:
        for one in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())):
            yield from places(one, parts, depth + 1)
        if schema.get("type") == "array":
            yield (0,)
            for below in places(schema.get("items", {}), parts, depth + 1):
                yield (0, *below)
    for name, field in schema.get("properties", {}).items():
        if depth or name != "type":
            yield (name,)
        if depth < 6:
            for below in places(field, parts, depth + 1):
                yield (name, *below)


def put(holder: Any, path: Path, value: Any) -> None:
    """Set the value at a place; what is needed on the way there is made."""
    for part, following in pairwise(path):
        empty: Any = [] if isinstance(following, int) else {}
        if isinstance(part, int):
            holder[:] = holder or [empty]
        elif not isinstance(holder.get(part), type(empty)):
            holder[part] = empty
        if isinstance(part, int) and not isinstance(holder[part], type(empty)):
            holder[part] = empty
        holder = holder[part]
    if isinstance(path[-1], int):
        holder[:] = [value]
    else:
        holder[path[-1]] = value

"""TypeScript declarations of the socket's messages, generated from their JSON Schemas.

The page's scripts are checked against them; nothing of them runs. Only what Pydantic writes of the
protocol's models is understood: a keyword that is not known here is an error, never a guess.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings

PATH = settings.BASE_DIR / "static" / "talk" / "protocol-types.d.ts"

HEADER = """\
// The messages of Parley's socket, generated from their JSON Schemas by `manage.py schemas`.
// Don't edit this file: edit the models and run the command. docs/protocol.md is the reference.
"""
PRIMITIVES = {
    "string": "string",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "null": "null",
}
INPUT = "Input"
"""Ends the name of a part that client and server both send: a client may leave out defaults, the
server never does, so that they are two types."""

Schema = Mapping[str, Any]


def declarations(client: Iterable[Schema], server: Iterable[Schema]) -> str:
    """The text of the file: an interface a message and a part of one, and a union a direction.

    ``client``, ``server``: the JSON Schemas of the messages that each sends.
    """
    client, server = list(client), list(server)
    server_parts = _parts(server)
    renamed = {name: name + INPUT for name in _parts(client) if name in server_parts}
    blocks = [
        HEADER,
        *_all("ServerMessage", server, server_parts, {}),
        *_all("ClientMessage", client, _parts(client), renamed),
    ]
    return "\n".join(blocks)


def _parts(messages: Iterable[Schema]) -> dict[str, Schema]:
    """The models that the messages are made of, by name."""
    return {name: part for message in messages for name, part in message.get("$defs", {}).items()}


def _all(
    union: str, messages: list[Schema], parts: Mapping[str, Schema], renamed: Mapping[str, str]
) -> list[str]:
    by_name = {f"{message['title']}Message": message for message in messages}
    members = "".join(f"\n  | {name}" for name in by_name)
    return [
        f"export type {union} ={members};\n",
        *(_declaration(renamed.get(name, name), part, renamed) for name, part in parts.items()),
        *(_declaration(name, message, renamed) for name, message in by_name.items()),
    ]


def _declaration(name: str, schema: Schema, renamed: Mapping[str, str]) -> str:
    comment = _comment(schema)
    if "properties" not in schema:
        return f"{comment}export type {name} = {_type(schema, renamed)};\n"
    required = schema.get("required", ())
    fields = []
    for key, field in schema["properties"].items():
        mark = "" if key in required else "?"
        fields.append(f"{_comment(field, '  ')}  {key}{mark}: {_type(field, renamed)};\n")
    return f"{comment}export interface {name} {{\n{''.join(fields)}}}\n"


def _comment(schema: Schema, indent: str = "") -> str:
    text = " ".join(schema.get("description", "").split())
    return f"{indent}/** {text} */\n" if text else ""


def _type(schema: Schema, renamed: Mapping[str, str]) -> str:
    match schema:
        case {"$ref": str(ref)}:
            name = ref.removeprefix("#/$defs/")
            return renamed.get(name, name)
        case {"const": value}:
            return json.dumps(value)
        case {"enum": values}:
            return " | ".join(json.dumps(value) for value in values)
        case {"anyOf": options} | {"oneOf": options}:
            return " | ".join(_type(option, renamed) for option in options)
        case {"type": "array", "items": item}:
            inner = _type(item, renamed)
            return f"({inner})[]" if " | " in inner else f"{inner}[]"
        case {"type": "object", "additionalProperties": Mapping() as value}:
            return f"Record<string, {_type(value, renamed)}>"
        case {"type": str(kind)} if kind in PRIMITIVES:
            return PRIMITIVES[kind]
    raise ValueError(f"no TypeScript for this schema: {json.dumps(dict(schema))}")

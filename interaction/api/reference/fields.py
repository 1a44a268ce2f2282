"""A JSON Schema as what people read: an object's fields, and types in words."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from interaction.api.reference import prose

Schema = Mapping[str, Any]

WORDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "object": "object",
    "null": "null",
}
LARGEST_ROW = 2**63 - 1
"""The limit of what a database counts: nobody reads it."""
FORMATS = {"uuid": "UUID", "date-time": "date and time", "binary": "file"}


@dataclass(frozen=True, slots=True)
class Field:
    """A field of an object, a parameter of an operation."""

    name: str
    type: SafeString
    required: bool
    default: str
    """As JSON; empty where there is none, and for objects, whose fields have their own."""
    limits: str
    description: SafeString


@dataclass(frozen=True, slots=True)
class Described:
    """An object or a message, with its fields."""

    name: str
    description: SafeString
    fields: list[Field]


def described(name: str, schema: Schema, *, sent: bool) -> Described:
    """An object, with its fields. ``sent``: the client sends it, and needs to know what it may
    leave out; what the server sends is always whole."""
    fields = fields_of(schema, sent=sent)
    return Described(name, prose.description(schema.get("description", "")), fields)


def fields_of(schema: Schema, *, sent: bool = True) -> list[Field]:
    """The fields of an object, but for the ``type`` that a message is known by."""
    required = schema.get("required", ()) if sent else ()
    return [
        field(name, part, name in required)
        for name, part in schema.get("properties", {}).items()
        if not (name == "type" and "const" in part)
    ]


def field(name: str, schema: Schema, required: bool) -> Field:
    """``required``: as the schema has it; what has a default may be left out all the same."""
    default = schema.get("default")
    said = "" if default is None or isinstance(default, dict) else _json(default)
    return Field(
        name=name,
        type=type_of(schema),
        required=required and "default" not in schema,
        default=said,
        limits=", ".join(_limits(schema)),
        description=prose.phrase(schema.get("description", "")),
    )


def type_of(schema: Schema) -> SafeString:
    """A type in words; objects are links to where they are described."""
    if reference := schema.get("$ref"):
        name = reference.rpartition("/")[2]
        return format_html('<a href="#object-{}">{}</a>', name, name)
    if len(parts := schema.get("allOf", ())) == 1:
        return type_of(parts[0])
    if "const" in schema:
        return format_html("<code>{}</code>", _json(schema["const"]))
    if "enum" in schema:
        return _joined(format_html("<code>{}</code>", _json(one)) for one in schema["enum"])
    if "anyOf" in schema:
        return _joined(map(type_of, schema["anyOf"]))
    kind = schema.get("type", "")
    if kind == "array":
        return format_html("list of {}", type_of(schema.get("items", {})))
    if kind == "object" and isinstance(schema.get("additionalProperties"), Mapping):
        return format_html("object of {}", type_of(schema["additionalProperties"]))
    return format_html("{}", FORMATS.get(schema.get("format", "")) or WORDS.get(kind, "anything"))


def _joined(types: Iterable[SafeString]) -> SafeString:
    return format_html_join(mark_safe(" or "), "{}", ((one,) for one in types))


def _limits(schema: Schema) -> Iterable[str]:
    for part in schema.get("anyOf", (schema,)):
        yield from _number_limits(part)
        for word, least, most in (
            ("characters", "minLength", "maxLength"),
            ("entries", "minItems", "maxItems"),
        ):
            if part.get(least, 0) > 1:
                yield f"at least {part[least]:,} {word}"
            if most in part:
                yield f"at most {part[most]:,} {word}"


def _number_limits(schema: Schema) -> Iterable[str]:
    if schema.get("maximum") == LARGEST_ROW:
        schema = {name: value for name, value in schema.items() if name != "maximum"}
    if "minimum" in schema and "maximum" in schema:
        yield f"{schema['minimum']:,} to {schema['maximum']:,}"
        return
    for name, words in (
        ("minimum", "at least"),
        ("maximum", "at most"),
        ("exclusiveMinimum", "more than"),
        ("exclusiveMaximum", "less than"),
    ):
        if name in schema:
            yield f"{words} {schema[name]:,g}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)

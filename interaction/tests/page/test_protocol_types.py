"""The types of the socket's messages that the page's scripts are checked against."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from interaction.edges import json_schemas
from interaction.management import typescript


def members(union: str) -> list[str]:
    """The names in a union of the file in the repository."""
    text = typescript.PATH.read_text()
    _, _, rest = text.partition(f"export type {union} =")
    return rest.partition(";")[0].replace("|", " ").split()


def declared(properties: dict[str, Any], required: list[str], **defs: Any) -> str:
    schema = {"title": "Sent", "properties": properties, "required": required, "$defs": defs}
    return typescript.declarations([], [schema])


def test_a_stale_or_missing_file_is_named_and_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "protocol-types.d.ts"
    fresh = typescript.PATH.read_text()
    monkeypatch.setattr(typescript, "PATH", path)
    for text in (None, fresh + "export type Stale = string;\n"):
        if text is not None:
            path.write_text(text)
        with pytest.raises(CommandError, match=r"protocol-types\.d\.ts"):
            call_command("schemas", "--check")
        call_command("schemas")
        assert path.read_text() == fresh


def test_every_message_is_in_the_union_of_its_direction() -> None:
    for union, models in (
        ("ServerMessage", json_schemas.SERVER),
        ("ClientMessage", json_schemas.CLIENT),
    ):
        titles = [
            json.loads(json_schemas.path_of(name).read_text())["title"] + "Message"
            for name in models
        ]
        assert members(union) == titles


@pytest.mark.parametrize(
    ("schema", "type_"),
    [
        ({"type": "string", "format": "uuid"}, "string"),
        ({"type": "integer"}, "number"),
        ({"const": "ping", "type": "string"}, '"ping"'),
        ({"enum": ["a", "b"], "type": "string"}, '"a" | "b"'),
        ({"anyOf": [{"type": "number"}, {"type": "null"}]}, "number | null"),
        ({"type": "array", "items": {"type": "boolean"}}, "boolean[]"),
        ({"type": "array", "items": {"enum": ["a", "b"]}}, '("a" | "b")[]'),
        ({"type": "object", "additionalProperties": {"type": "string"}}, "Record<string, string>"),
        ({"$ref": "#/$defs/Part"}, "Part"),
    ],
)
def test_a_field_has_the_type_of_its_schema(schema: dict[str, Any], type_: str) -> None:
    part = {"properties": {"name": {"type": "string"}}, "description": "A part."}
    text = declared({"field": schema}, ["field"], Part=part)
    assert f"export interface SentMessage {{\n  field: {type_};\n}}\n" in text
    assert "/** A part. */\nexport interface Part {\n  name?: string;\n}\n" in text


def test_a_part_that_both_sides_send_has_a_type_for_each() -> None:
    def schema(title: str, required: list[str]) -> dict[str, Any]:
        part = {"properties": {"name": {"type": "string"}}, "required": required}
        parts = {"Part": part, f"{title}Part": part}
        properties = {"part": {"$ref": "#/$defs/Part"}}
        return {"title": title, "properties": properties, "required": ["part"], "$defs": parts}

    text = typescript.declarations([schema("Ask", [])], [schema("Answer", ["name"])])
    assert "export interface PartInput {\n  name?: string;\n}\n" in text
    assert "export interface AskMessage {\n  part: PartInput;\n}\n" in text
    assert "export interface Part {\n  name: string;\n}\n" in text
    assert "export interface AnswerMessage {\n  part: Part;\n}\n" in text
    assert "export interface AskPart {" in text


def test_a_schema_that_is_not_understood_is_refused() -> None:
    with pytest.raises(ValueError, match="no TypeScript for this schema"):
        declared({"field": {"allOf": []}}, [])

"""The JSON Schemas: fresh, sound, served."""

from __future__ import annotations

import json

import pytest
from django.core.management import CommandError, call_command
from django.test import Client as Browser
from jsonschema import Draft202012Validator

from interaction.edges import json_schemas


def test_the_files_in_the_repository_are_fresh() -> None:
    call_command("schemas", "--check")


def test_a_stale_file_is_named(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_schemas, "FOLDER", tmp_path)
    with pytest.raises(CommandError, match=r"session_started\.json"):
        call_command("schemas", "--check")
    call_command("schemas")
    call_command("schemas", "--check")


@pytest.mark.parametrize("name", sorted(json_schemas.NAMES))
def test_each_is_a_valid_schema_and_served(name: str, token: str) -> None:
    program = Browser(headers={"authorization": f"Bearer {token}"})
    response = program.get(f"/api/v1/schemas/{name}.json")
    assert response.status_code == 200
    schema = json.loads(response.content)
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"/api/v1/schemas/{name}.json"


def test_another_name_is_not_found(token: str) -> None:
    program = Browser(headers={"authorization": f"Bearer {token}"})
    for name in ("nothing", "..%2Fprotocol"):
        assert program.get(f"/api/v1/schemas/{name}.json").status_code == 404

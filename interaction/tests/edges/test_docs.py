"""docs/protocol.md says what is so."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings

from interaction.core.metrics import METRICS
from interaction.edges import json_schemas
from interaction.edges.close_codes import CloseCode
from interaction.edges.parley import codec

TEXT = (settings.BASE_DIR / "docs" / "protocol.md").read_text()
EXAMPLES: list[dict[str, Any]] = [
    json.loads(line) for line in TEXT.splitlines() if line.startswith('{"type"')
]


@pytest.mark.parametrize("name", sorted(json_schemas.CLIENT | json_schemas.SERVER))
def test_every_message_is_shown(name: str) -> None:
    assert f'"type": "{name}"' in TEXT


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["type"])
def test_examples_have_the_fields_that_messages_have(example: dict[str, Any]) -> None:
    model = (json_schemas.CLIENT | json_schemas.SERVER)[example["type"]]
    assert set(example) <= set(model.model_fields)
    if example["type"] in json_schemas.SERVER:
        assert set(example) == set(model.model_fields)


def test_the_table_of_metrics_is_their_declaration() -> None:
    table = TEXT.partition("| name | from | to | measured by |\n|---|---|---|---|\n")[2]
    assert table.partition("\n\n")[0].splitlines() == [
        f"| `{metric.name}` | {metric.starts_at} | {metric.ends_at} | {metric.measured_by} |"
        for metric in METRICS
    ]


def test_codes_and_limits_are_named() -> None:
    for code in (CloseCode.UNAUTHENTICATED, CloseCode.BAD_ORIGIN, CloseCode.TOO_SLOW):
        assert f"| {code} |" in TEXT
    assert codec.MAX_AUDIO_BYTES == 1 << 20


WITH_CODES = {
    *("InvalidMessage", "SessionRefused", "StageGaveUp", "FailureReason", "Failure", "AuthRefused"),
    *("ApiError", "AudioRejected", "RequestRefused", "Explanation", "answer", "cls"),
}
"""What is called with the code of an error."""
OPENAIS = ("edges/openai", "api/openai.py")
"""Has OpenAI's own codes."""


def codes_in(source: str) -> Iterator[str]:
    for call in ast.walk(ast.parse(source)):
        if isinstance(call, ast.Call) and ast.unparse(call.func).rpartition(".")[2] in WITH_CODES:
            given = [*call.args, *(word.value for word in call.keywords if word.arg == "code")]
            for value in given:
                if isinstance(value, ast.Constant) and re.fullmatch(
                    "[a-z]+(_[a-z0-9]+)+", str(value.value)
                ):
                    yield str(value.value)


def test_every_code_of_an_error_is_named() -> None:
    files = {
        file
        for package in ("interaction", "history", "voiceproject")
        for file in (settings.BASE_DIR / package).rglob("*.py")
        if not {"tests", "testing"} & set(file.parts)
        and not any(part in file.as_posix() for part in OPENAIS)
    }
    codes = {code for file in files for code in codes_in(file.read_text())}
    assert {"bad_json", "unknown_tool", "no_speech", "engine_crashed", "not_json"} <= codes
    assert {"empty_audio", "csrf_failed", "bad_origin", "method_not_allowed"} <= codes
    assert [code for code in sorted(codes) if f"`{code}`" not in TEXT] == []

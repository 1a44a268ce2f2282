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
from voiceproject.error_answers import explanation

TEXT = (settings.BASE_DIR / "docs" / "protocol.md").read_text()
OPENAIS_TEXT = (settings.BASE_DIR / "docs" / "openai-realtime.md").read_text()
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
"""Has OpenAI's own codes, which are in a document of their own."""
OPENAIS_WITH_CODES = {"ClientError", "AuthRefused", "error", "error_answer"}
ITEM_CODE = re.compile("item_[a-z]+_invalid_item_id")
"""Codes that are handed to what looks an item up."""


def is_code(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and bool(
        re.fullmatch("[a-z]+(_[a-z0-9]+)+", str(value.value))
    )


def codes_in(source: str, callees: set[str] = WITH_CODES, most: int = 9) -> Iterator[str]:
    """``most``: how many arguments may be the code; the name of a field may come behind it."""
    for call in ast.walk(ast.parse(source)):
        if isinstance(call, ast.Call) and ast.unparse(call.func).rpartition(".")[2] in callees:
            given = [
                *call.args[:most],
                *(word.value for word in call.keywords if word.arg == "code"),
            ]
            yield from (ast.literal_eval(value) for value in given if is_code(value))


def openais_codes_in(source: str) -> Iterator[str]:
    yield from codes_in(source, OPENAIS_WITH_CODES, most=2)
    yield from ITEM_CODE.findall(source)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Tuple) and len(node.elts) > 1:
            # (code, status, message), as an answer is put together
            yield from (ast.literal_eval(value) for value in node.elts[:1] if is_code(value))


def sources(*, of_openai: bool) -> list[str]:
    return [
        file.read_text()
        for package in ("interaction", "history", "voiceproject")
        for file in (settings.BASE_DIR / package).rglob("*.py")
        if not {"tests", "testing"} & set(file.parts)
        and any(part in file.as_posix() for part in OPENAIS) == of_openai
    ]


def test_every_code_of_openais_edge_is_named() -> None:
    codes = {code for source in sources(of_openai=True) for code in openais_codes_in(source)}
    assert {"invalid_json", "invalid_api_key", "model_not_found", "unknown_event"} <= codes
    assert {"item_delete_invalid_item_id", "session_expired", "unknown_parameter"} <= codes
    assert [code for code in sorted(codes) if f"`{code}`" not in OPENAIS_TEXT] == []


def test_what_is_answered_below_v1_is_named_whatever_went_wrong() -> None:
    for status in (400, 403, 404, 405, 413):
        if (code := explanation(status).code) != "not_permitted":  # nothing there is forbidden
            assert f"`{code}`" in OPENAIS_TEXT


def test_every_code_of_an_error_is_named() -> None:
    codes = {code for source in sources(of_openai=False) for code in codes_in(source)}
    assert {"bad_json", "unknown_tool", "no_speech", "engine_crashed", "not_json"} <= codes
    assert {"empty_audio", "csrf_failed", "bad_origin", "method_not_allowed"} <= codes
    assert [code for code in sorted(codes) if f"`{code}`" not in TEXT] == []

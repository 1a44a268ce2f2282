"""docs/protocol.md says what is so."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.conf import settings

from interaction.core.metrics import METRICS
from interaction.edges import json_schemas
from interaction.edges.close_codes import CloseCode
from interaction.edges.parley import codec
from voiceproject.error_answers import explanation
from voiceproject.testing.error_codes import codes_of, openais_codes

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


def test_every_code_of_openais_edge_is_named() -> None:
    codes = openais_codes()
    assert {"invalid_json", "invalid_api_key", "model_not_found", "unknown_event"} <= codes
    assert {"item_delete_invalid_item_id", "session_expired", "unknown_parameter"} <= codes
    assert [code for code in sorted(codes) if f"`{code}`" not in OPENAIS_TEXT] == []


def test_what_is_answered_below_v1_is_named_whatever_went_wrong() -> None:
    for status in (400, 403, 404, 405, 413):
        if (code := explanation(status).code) != "not_permitted":  # nothing there is forbidden
            assert f"`{code}`" in OPENAIS_TEXT


def test_every_code_of_an_error_is_named() -> None:
    codes = codes_of("interaction", "history", "voiceproject")
    assert {"bad_json", "unknown_tool", "no_speech", "engine_crashed", "not_json"} <= codes
    assert {"empty_audio", "csrf_failed", "bad_origin", "method_not_allowed"} <= codes
    assert {"stage_timeout", "provider_timeout", "stage_lost", "turn_timeout"} <= codes
    assert [code for code in sorted(codes) if f"`{code}`" not in TEXT] == []

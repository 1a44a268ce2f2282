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
from voiceproject.testing.error_codes import codes_of

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


def test_every_code_of_an_error_is_named() -> None:
    codes = codes_of("interaction", "history", "voiceproject")
    assert {"bad_json", "unknown_tool", "no_speech", "engine_crashed", "not_json"} <= codes
    assert {"empty_audio", "csrf_failed", "bad_origin", "method_not_allowed"} <= codes
    assert {"stage_timeout", "provider_timeout", "stage_lost", "turn_timeout"} <= codes
    assert [code for code in sorted(codes) if f"`{code}`" not in TEXT] == []

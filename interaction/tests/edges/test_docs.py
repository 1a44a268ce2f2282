"""docs/protocol.md says what is so."""

from __future__ import annotations

import json
import re
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
    raised = re.compile(
        r'(?:InvalidMessage|SessionRefused|StageGaveUp|FailureReason|cls)\(\s*"(\w+_\w+)"'
    )
    codes = {
        code
        for room in ("cascade", "edges/parley", "realtime", "sessions")
        for file in (settings.BASE_DIR / "interaction" / room).glob("*.py")
        for code in raised.findall(file.read_text())
    }
    assert {"bad_json", "unknown_tool", "no_speech", "engine_crashed"} <= codes
    assert [code for code in sorted(codes) if f"`{code}`" not in TEXT] == []

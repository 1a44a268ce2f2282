"""docs/protocol.md says what is so."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.conf import settings

from interaction import contract
from interaction.core.records import METRICS
from interaction.edges.close_codes import CloseCode
from interaction.edges.parley import codec

TEXT = (settings.BASE_DIR / "docs" / "protocol.md").read_text()
EXAMPLES: list[dict[str, Any]] = [
    json.loads(line) for line in TEXT.splitlines() if line.startswith('{"type"')
]


@pytest.mark.parametrize("name", sorted(contract.CLIENT | contract.SERVER))
def test_every_message_is_shown(name: str) -> None:
    assert f'"type": "{name}"' in TEXT


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["type"])
def test_examples_have_the_fields_that_messages_have(example: dict[str, Any]) -> None:
    model = (contract.CLIENT | contract.SERVER)[example["type"]]
    assert set(example) <= set(model.model_fields)
    if example["type"] in contract.SERVER:
        assert set(example) == set(model.model_fields)


def test_metrics_codes_and_limits_are_named() -> None:
    for metric in METRICS:
        assert f"| `{metric}` |" in TEXT
    for code in (CloseCode.UNAUTHENTICATED, CloseCode.BAD_ORIGIN, CloseCode.TOO_SLOW):
        assert f"| {code} |" in TEXT
    assert codec.MAX_AUDIO_BYTES == 1 << 20
    codes = set(
        re.findall(
            r'InvalidMessage\(\s*"(\w+)"',
            (settings.BASE_DIR / "interaction" / "edges" / "parley" / "codec.py").read_text(),
        )
    )
    assert codes
    assert all(f"`{code}`" in TEXT for code in codes)

"""docs/providers.md: what it lists is what there is. Who follows it gets a provider, as
``voiceproject/tests/installation/test_readme.py`` tries."""

from __future__ import annotations

import re

from interaction.management.commands.providers import documented
from interaction.providers.config import Kind
from interaction.providers.registry import SHIPPED, Registry
from voiceproject.environment import BASE_DIR
from voiceproject.settings import Environment

DOCUMENT = (BASE_DIR / "docs" / "providers.md").read_text()
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
KINDS: dict[str, Kind] = {"STT": "stt", "LLM": "llm", "TTS": "tts"}


def test_it_lists_every_provider_as_it_is_declared() -> None:
    """``manage.py providers --document docs/providers.md`` writes the table."""
    assert documented(DOCUMENT) == DOCUMENT


def test_it_says_who_met_only_a_stand_in() -> None:
    rows = re.findall(r"^\| (STT|LLM|TTS) \| `([\w-]+)` \|.*\| (.+) \|$", DOCUMENT, re.M)
    shipped = Registry(SHIPPED, use_entry_points=False)
    assert [(KINDS[stage], name) for stage, name, _ in rows] == [
        (kind, name) for kind in KINDS.values() for name in shipped.entries(kind)
    ]
    for stage, name, met in rows:
        remote = shipped.entry(KINDS[stage], name).capabilities.needs_key
        assert (met == "**our stand-in only**") is remote, name


def test_the_environment_that_it_shows_is_one() -> None:
    given = "\n".join(text for kind, text in BLOCK.findall(DOCUMENT) if kind == "sh")
    names = re.findall(r"^([A-Z_]+)=", given, re.M)
    assert len(names) > 8
    assert {name.lower() for name in names} <= set(Environment.model_fields)
    endpoints = re.search(r"PARLEY_ENDPOINTS='(.*?)'", given, re.S)
    assert endpoints
    settings = Environment(parley_endpoints=endpoints[1])  # type: ignore[arg-type]
    assert [one.name for one in settings.parley_endpoints] == ["ears", "mind", "mouth"]

"""What a session that says nothing gets, and who gets to see the key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import override_settings

from interaction.choosing import effective, provider_config
from interaction.providers.base import Kind, ProviderChoice
from interaction.providers.table import TABLE, load
from voiceproject.environment import Environment

NOTHING = ProviderChoice("")
KINDS: tuple[Kind, ...] = ("stt", "llm", "tts")


@pytest.fixture
def environment() -> Iterator[Callable[..., None]]:
    changed = []

    def environment(**values: Any) -> None:
        override = override_settings(ENV=Environment(**values))
        override.enable()
        changed.append(override)

    yield environment
    for override in reversed(changed):
        override.disable()


def names() -> list[str]:
    return [effective(kind, NOTHING).name for kind in KINDS]


def test_without_a_key_everything_runs_on_this_machine(environment: Callable[..., None]) -> None:
    environment()
    assert names() == ["pocketsphinx", "demo", "espeak"]


def test_with_a_key_everything_goes_there(environment: Callable[..., None]) -> None:
    environment(openai_api_key="sk-1", openai_model="big")
    assert names() == ["openai", "openai", "openai"]
    assert effective("llm", NOTHING).model == "big"


def test_a_stage_can_be_told_otherwise(environment: Callable[..., None]) -> None:
    environment(openai_api_key="sk-1", parley_stt="pocketsphinx", parley_llm="echo")
    assert names() == ["pocketsphinx", "echo", "openai"]


def test_a_session_has_the_last_word(environment: Callable[..., None]) -> None:
    environment(parley_language="en", tts_voice="en-gb")
    wanted = ProviderChoice("openai", model="m", voice="v", language="zh-Hant")
    assert effective("tts", wanted) == wanted


@pytest.mark.parametrize(
    ("configured", "language", "voice"),
    [
        ("", "en", "en-us"),
        ("", "zh-Hant", "cmn"),
        ("", "yue", "yue"),
        ("en-gb", "en", "en-gb"),
        ("alloy", "en", "en-us"),
    ],
)
def test_espeak_gets_a_voice_that_it_has(
    environment: Callable[..., None], configured: str, language: str, voice: str
) -> None:
    environment(tts_voice=configured, parley_language=language)
    assert effective("tts", NOTHING).voice == voice


def test_other_servers_may_have_any_voice(environment: Callable[..., None]) -> None:
    environment(tts_voice="af_bella", openai_api_key="sk-1")
    assert effective("tts", NOTHING).voice == "af_bella"


def test_only_who_needs_the_key_gets_it(environment: Callable[..., None]) -> None:
    environment(
        openai_api_key="sk-1", openai_base_url="http://localhost:1/v1", openai_tts_rate=8000
    )
    config = provider_config("tts", NOTHING, owner_id=1)
    assert (config.api_key, config.base_url) == ("sk-1", "http://localhost:1/v1")
    assert config.sample_rate == 8_000
    assert "sk-1" not in repr(config)

    local = provider_config("tts", ProviderChoice("espeak"), owner_id=1)
    assert (local.api_key, local.base_url) == ("", "")


def test_what_cannot_be_told_apart_is_made_once(environment: Callable[..., None]) -> None:
    environment()
    one, other = (provider_config("tts", NOTHING, owner_id=owner) for owner in (1, 2))
    assert len({one, other}) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_everything_in_the_table_can_be_made(environment: Callable[..., None], kind: Kind) -> None:
    environment()
    for name, entry in TABLE[kind].items():
        provider: Any = load(kind, provider_config(kind, ProviderChoice(name), owner_id=1))
        assert hasattr(provider, "aclose")
        assert entry.label
        rate = entry.capabilities.sample_rate
        assert kind != "tts" or provider.sample_rate == (rate or 24_000)


def test_a_provider_that_does_not_exist_is_an_error(environment: Callable[..., None]) -> None:
    environment()
    with pytest.raises(KeyError):
        provider_config("llm", ProviderChoice("nobody"), owner_id=1)

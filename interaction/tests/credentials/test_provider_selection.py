"""What a session that says nothing gets, and who gets to see the key."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

import pytest
from django.contrib.auth import get_user_model
from django.test import override_settings

from interaction.bus.redis_client import close_redis, get_redis
from interaction.cascade.provider_health import ProviderHealth
from interaction.core.types import ProviderSelection
from interaction.credentials.provider_selection import (
    ProviderOption,
    default_fallbacks,
    provider_config,
    provider_options,
    resolve_choice,
)
from interaction.credentials.store import credentials_changed, credentials_of
from interaction.models import Endpoint, ProviderCredential
from interaction.providers.config import Kind, ProviderConfig
from interaction.providers.errors import ProviderRefused, ProviderUnauthorized
from interaction.providers.registry import accounts, entries, load
from voiceproject.settings import Environment

T = TypeVar("T")

NOTHING = ProviderSelection("")
NOBODY = 0
"""Stands for an owner who has nothing of their own."""
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


def run(work: Coroutine[Any, Any, T]) -> T:
    """What comes of ``work``, on a loop of its own, as in a worker."""

    async def and_clean_up() -> T:
        try:
            return await work
        finally:
            await close_redis()

    return asyncio.run(and_clean_up())


def made(kind: Kind, choice: ProviderSelection, owner: int) -> ProviderConfig:
    return run(provider_config(kind, choice, owner))


def names() -> list[str]:
    return [resolve_choice(kind, NOTHING).name for kind in KINDS]


@pytest.mark.usefixtures("own_models")
def test_without_a_key_everything_runs_on_this_machine(environment: Callable[..., None]) -> None:
    environment()
    assert names() == ["pocketsphinx", "demo", "hibari"]


def test_with_a_key_everything_goes_there(environment: Callable[..., None]) -> None:
    environment(openai_api_key="sk-1", openai_model="big")
    assert names() == ["openai", "openai", "openai"]
    assert resolve_choice("llm", NOTHING).model == "big"


def test_a_stage_can_be_told_otherwise(environment: Callable[..., None]) -> None:
    environment(openai_api_key="sk-1", parley_stt="pocketsphinx", parley_llm="echo")
    assert names() == ["pocketsphinx", "echo", "openai"]


@pytest.mark.parametrize(
    ("keys", "name"),
    [
        ({}, "parley"),
        ({"gemini_api_key": "g-1"}, "gemini"),
        ({"gemini_api_key": "g-1", "openai_api_key": "sk-1"}, "openai"),
        ({"openai_api_key": "sk-1", "parley_realtime": "parley"}, "parley"),
    ],
)
def test_realtime_mode_goes_where_there_is_a_key_or_stays_here(
    environment: Callable[..., None], keys: dict[str, str], name: str
) -> None:
    environment(**keys)
    assert resolve_choice("realtime", NOTHING).name == name


def test_a_session_has_the_last_word(environment: Callable[..., None]) -> None:
    environment(parley_language="en", tts_voice="en-gb")
    wanted = ProviderSelection("openai", model="m", voice="v", language="zh-Hant")
    assert resolve_choice("tts", wanted) == wanted


@pytest.mark.parametrize(
    ("configured", "language", "voice"),
    [
        ("", "en", "en-us"),
        ("", "zh-Hant", "cmn"),
        ("", "yue", "yue"),
        ("", "pt-BR", "pt-br"),
        ("", "pt-PT", "pt"),
        ("", "nn", "nb"),
        ("", "de-AT", "de"),
        ("en-gb", "en", "en-gb"),
        ("en-gb", "de", "de"),
        ("cmn", "en", "en-us"),
        ("alloy", "en", "en-us"),
    ],
)
def test_espeak_gets_a_voice_that_it_has(
    environment: Callable[..., None], configured: str, language: str, voice: str
) -> None:
    environment(tts_voice=configured, parley_language=language)
    assert resolve_choice("tts", ProviderSelection("espeak")).voice == voice


def test_a_voice_that_the_server_names_chooses_who_has_it(environment: Callable[..., None]) -> None:
    environment(tts_voice="en-gb")
    assert resolve_choice("tts", NOTHING).name == "espeak"


def test_other_servers_may_have_any_voice(environment: Callable[..., None]) -> None:
    environment(tts_voice="af_bella", openai_api_key="sk-1")
    assert resolve_choice("tts", NOTHING).voice == "af_bella"


def test_only_who_needs_the_key_gets_it(environment: Callable[..., None]) -> None:
    environment(
        openai_api_key="sk-1", openai_base_url="http://localhost:1/v1", openai_tts_rate=8000
    )
    config = made("tts", NOTHING, NOBODY)
    assert (config.api_key, config.base_url) == ("sk-1", "http://localhost:1/v1")
    assert config.sample_rate == 8_000
    assert "sk-1" not in repr(config)

    local = made("tts", ProviderSelection("espeak"), owner=1)
    assert (local.api_key, local.base_url) == ("", "")


def test_what_cannot_be_told_apart_is_made_once(environment: Callable[..., None]) -> None:
    environment()
    espeak = ProviderSelection("espeak")
    assert len({made("tts", espeak, owner) for owner in (1, 2)}) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_everything_in_the_table_can_be_made(environment: Callable[..., None], kind: Kind) -> None:
    environment(**{f"{account}_api_key": "sk-1" for account in accounts()})
    for name, entry in entries(kind).items():
        config = made(kind, ProviderSelection(name), NOBODY)
        assert bool(config.api_key) == entry.capabilities.needs_key
        provider: Any = load(kind, config)
        assert hasattr(provider, "aclose")
        assert entry.label
        rate = entry.capabilities.sample_rate
        assert kind != "tts" or provider.sample_rate == (rate or 24_000)


def test_a_provider_that_does_not_exist_is_an_error(
    environment: Callable[..., None],
) -> None:
    environment()
    for name in ("nobody", "endpoint:nowhere"):
        with pytest.raises(KeyError):
            resolve_choice("llm", ProviderSelection(name))
        with pytest.raises(ProviderRefused):
            made("llm", ProviderSelection(name), NOBODY)


def test_a_missing_key_is_said_with_what_to_do(environment: Callable[..., None]) -> None:
    environment()
    with pytest.raises(ProviderUnauthorized, match="Google Gemini: It needs a key: add yours"):
        made("llm", ProviderSelection("gemini"), NOBODY)


def test_a_server_of_ones_own_may_want_no_key(environment: Callable[..., None]) -> None:
    environment(openai_base_url="http://localhost:9000/v1")
    config = made("llm", ProviderSelection("openai"), NOBODY)
    assert config.api_key == ""
    assert offer("llm", "openai", None).available


def test_several_names_are_the_default_and_who_steps_in(environment: Callable[..., None]) -> None:
    environment(parley_llm="echo, demo")
    assert resolve_choice("llm", NOTHING).name == "echo"
    assert default_fallbacks("llm") == (ProviderSelection("demo"),)
    assert default_fallbacks("tts") == (ProviderSelection("espeak"),)


SHARED = {
    "name": "shared",
    "base_url": "http://shared.example/v1",
    "api_key": "sk-shared",
    "models": {"llm": ["qwen3", "llama3.2"], "tts": ["kokoro"], "realtime": ["far-1"]},
    "voices": ["af_heart"],
    "sample_rate": 16_000,
}


def test_the_servers_endpoints_serve_by_name(environment: Callable[..., None]) -> None:
    environment(parley_endpoints=[SHARED], openai_api_key="sk-1")
    chosen = ProviderSelection("endpoint:shared")
    assert resolve_choice("llm", chosen).model == "qwen3"
    assert resolve_choice("tts", chosen).voice == "af_heart"
    with pytest.raises(KeyError):
        resolve_choice("stt", chosen)
    config = made("tts", chosen, NOBODY)
    assert (config.base_url, config.api_key) == ("http://shared.example/v1", "sk-shared")
    assert (config.model, config.sample_rate) == ("kokoro", 16_000)
    provider: Any = load("tts", config)
    assert provider.sample_rate == 16_000


# With people.


@pytest.fixture
def people(transactional_db: None, redis_client: object, django_user_model: Any) -> tuple[int, int]:
    """Two people's ids."""
    one, other = map(django_user_model.objects.create_user, ("one", "other"))
    return one.pk, other.pk


def give(owner: int, key: str, account: str = "openai") -> None:
    user = get_user_model().objects.get(pk=owner)
    ProviderCredential.store(user, account, key)
    credentials_changed(owner)


def endpoint(owner: int, **fields: Any) -> Endpoint:
    fields = {"name": "home", "base_url": "http://home/v1", "llm_models": ["m"]} | fields
    row = Endpoint(owner_id=owner, **fields)
    row.save()
    credentials_changed(owner)
    return row


def offer(kind: Kind, name: str, owner: int | None) -> ProviderOption:
    (found,) = [offer for offer in provider_options(owner)[kind] if offer.name == name]
    return found


def key_of(owner: int, name: str = "openai") -> str:
    return made("llm", ProviderSelection(name), owner).api_key


def test_ones_own_key_goes_before_the_servers_and_is_ones_own_alone(
    environment: Callable[..., None], people: tuple[int, int]
) -> None:
    environment(openai_api_key="sk-server")
    one, other = people
    give(one, "sk-one")
    assert key_of(one) == "sk-one"
    assert key_of(other) == "sk-server"
    assert (offer("llm", "openai", one).key, offer("llm", "openai", other).key) == ("own", "server")


def test_a_changed_key_is_used_from_the_next_turn_on(
    environment: Callable[..., None], people: tuple[int, int]
) -> None:
    environment()
    one, _ = people
    with pytest.raises(ProviderUnauthorized):
        key_of(one)
    give(one, "sk-first")
    assert key_of(one) == "sk-first"
    give(one, "sk-second")
    assert key_of(one) == "sk-second"
    ProviderCredential.objects.all().delete()
    credentials_changed(one)
    with pytest.raises(ProviderUnauthorized):
        key_of(one)


def test_a_turn_asks_the_database_only_after_a_change(
    environment: Callable[..., None], people: tuple[int, int]
) -> None:
    environment()
    one, _ = people
    give(one, "sk-first")
    assert key_of(one) == "sk-first"
    ProviderCredential.objects.update(sealed="")  # nobody was told
    assert key_of(one) == "sk-first"


def test_a_redis_that_lost_its_memory_has_everything_read_anew(
    environment: Callable[..., None], people: tuple[int, int], redis_client: Any
) -> None:
    environment()
    one, _ = people
    give(one, "sk-first")
    assert key_of(one) == "sk-first"
    redis_client.flushall()
    ProviderCredential.objects.all().delete()
    with pytest.raises(ProviderUnauthorized):
        key_of(one)


def test_a_new_key_forgives_what_failed_with_the_old_one(
    people: tuple[int, int], redis_client: Any
) -> None:
    def health(owner: int) -> ProviderHealth:
        return ProviderHealth(get_redis(), "llm", [ProviderSelection("openai")], owner)

    async def fails(owner: int) -> None:
        error = ProviderUnauthorized("wrong key", stage="llm", provider="openai")
        await health(owner).record_failure(0, error)

    async def is_unhealthy(owner: int) -> bool:
        known = health(owner)
        await known.read()
        return known.failures[0].is_unhealthy

    for owner in people:
        run(fails(owner))
    give(people[0], "sk-right")
    assert [run(is_unhealthy(owner)) for owner in people] == [False, True]


def test_a_key_of_ones_own_makes_its_provider_the_default(
    environment: Callable[..., None], people: tuple[int, int]
) -> None:
    environment()
    one, other = people
    give(one, "sk-one")
    assert resolve_choice("llm", NOTHING, credentials_of(one)).name == "openai"
    assert resolve_choice("llm", NOTHING, credentials_of(other)).name == "demo"
    config = made("llm", NOTHING, one)
    assert (config.name, config.api_key) == ("openai", "sk-one")


def test_an_endpoint_gets_its_own_key_and_never_another(
    environment: Callable[..., None], people: tuple[int, int]
) -> None:
    environment(openai_api_key="sk-server")
    one, other = people
    give(one, "sk-one")
    endpoint(one)
    assert key_of(one, "endpoint:home") == ""
    with pytest.raises(ProviderRefused):
        key_of(other, "endpoint:home")
    assert "endpoint:home" not in [offer.name for offer in provider_options(other)["llm"]]


def test_ones_own_endpoint_goes_before_the_servers_of_the_same_name(
    environment: Callable[..., None], people: tuple[int, int]
) -> None:
    environment(parley_endpoints=[SHARED])
    one, other = people
    endpoint(one, name="shared")
    chosen = ProviderSelection("endpoint:shared")
    assert made("llm", chosen, one).base_url == "http://home/v1"
    assert made("llm", chosen, other).api_key == "sk-shared"


def test_an_endpoint_with_realtime_models_serves_realtime_mode(
    environment: Callable[..., None], people: tuple[int, int]
) -> None:
    environment(parley_endpoints=[SHARED])
    one, _ = people
    assert resolve_choice("realtime", ProviderSelection("endpoint:shared")).voice == "af_heart"
    endpoint(one, realtime_models=["deployed"])
    config = made("realtime", ProviderSelection("endpoint:home"), one)
    # Where no voices are named, the one of the endpoint's own choosing serves.
    assert (config.base_url, config.model, config.voice) == ("http://home/v1", "deployed", "")
    assert offer("realtime", "endpoint:home", one).models == ("deployed",)
    assert "endpoint:home" not in [offer.name for offer in provider_options(one)["tts"]]


def test_what_cannot_be_used_says_why(
    environment: Callable[..., None], people: tuple[int, int]
) -> None:
    environment()
    one, _ = people
    assert offer("llm", "demo", one).available
    keyed: tuple[tuple[Kind, str], ...] = (
        ("stt", "deepgram"),
        ("llm", "anthropic"),
        ("tts", "elevenlabs"),
    )
    for kind, name in keyed:
        missing = offer(kind, name, one)
        assert not missing.available
        assert missing.reason == "It needs a key: add yours under Keys."
        give(one, "sk-x", name)
        assert offer(kind, name, one).available
        assert offer(kind, name, one).reason == ""


def test_a_provider_lists_its_default_model_first(
    environment: Callable[..., None], people: tuple[int, int]
) -> None:
    environment(openai_model="my-model")
    one, _ = people
    endpoint(one, llm_models=["b", "a"])
    assert offer("llm", "openai", one).models[0] == "my-model"
    assert offer("llm", "endpoint:home", one).models == ("b", "a")


def test_asking_who_can_serve_costs_two_queries(
    environment: Callable[..., None], people: tuple[int, int], django_assert_num_queries: Any
) -> None:
    environment()
    one, _ = people
    for name in "abc":
        endpoint(one, name=name)
    with django_assert_num_queries(2):
        provider_options(one)

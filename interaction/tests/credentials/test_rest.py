"""What programs, and the voice page, are told of providers and of the last choices."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.test import Client

from interaction.models import Preferences, ProviderCredential

PROVIDERS = "/api/v1/interaction/providers"
PREFERENCES = "/api/v1/interaction/preferences"


def named(browser: Client, stage: str, name: str) -> dict[str, Any]:
    rows = browser.get(PROVIDERS).json()[stage]
    (row,) = [row for row in rows if row["name"] == name]
    found: dict[str, Any] = row
    return found


def patch(browser: Client, **fields: Any) -> Any:
    return browser.patch(PREFERENCES, fields, content_type="application/json")


def test_both_need_a_caller(client: Client, db: None) -> None:
    assert client.get(PROVIDERS).status_code == 401
    assert client.get(PREFERENCES).status_code == 401


def test_providers_are_told_with_their_reasons(at_home: Client, owner: User) -> None:
    demo = named(at_home, "llm", "demo")
    assert (demo["available"], demo["reason"], demo["default"]) == (True, "", True)
    assert demo["tools"] is True
    anthropic = named(at_home, "llm", "anthropic")
    assert anthropic["available"] is False
    assert anthropic["reason"]
    assert anthropic["models"]
    ProviderCredential.store(owner, "anthropic", "sk-mine-0123456789")
    anthropic = named(at_home, "llm", "anthropic")
    assert (anthropic["available"], anthropic["key"]) == (True, "own")
    assert "0123456789" not in at_home.get(PROVIDERS).content.decode()


def test_a_voice_is_told_with_the_provider_that_has_it(at_home: Client) -> None:
    espeak = named(at_home, "tts", "espeak")
    assert espeak["voice"] in espeak["voices"]


def test_who_steps_in_by_default_is_told(at_home: Client, settings: Any) -> None:
    settings.ENV = settings.ENV.model_copy(update={"parley_llm": "demo, echo"})
    steps_in = at_home.get(PROVIDERS).json()["fallbacks"]
    assert [choice["name"] for choice in steps_in["llm"]] == ["echo"]
    assert [choice["name"] for choice in steps_in["tts"]] == ["espeak"]


def test_nothing_is_remembered_to_begin_with(at_home: Client) -> None:
    choices = at_home.get(PREFERENCES).json()
    assert choices["providers"]["llm"]["name"] == ""
    assert choices["tools"] is None
    assert choices["recording"] is True
    assert not Preferences.objects.exists()


def test_choices_are_remembered_field_by_field(at_home: Client, stranger: User) -> None:
    wanted = {"llm": {"name": "echo"}, "tts": {"voice": "en-gb"}}
    patch(at_home, providers=wanted, fallbacks={"llm": [{"name": "demo"}]}, tools=[])
    answer = patch(at_home, recording=False, turn_detection={"silence_ms": 900}).json()
    assert answer == at_home.get(PREFERENCES).json()
    assert answer["providers"]["llm"]["name"] == "echo"
    assert answer["providers"]["tts"]["voice"] == "en-gb"
    assert answer["fallbacks"]["llm"][0]["name"] == "demo"
    assert (answer["tools"], answer["recording"]) == ([], False)
    assert answer["turn_detection"]["silence_ms"] == 900
    other = Client()
    other.force_login(stranger)
    assert other.get(PREFERENCES).json()["recording"] is True


def test_choices_that_cannot_be_are_refused(at_home: Client) -> None:
    assert patch(at_home, mode="telepathy").status_code == 422
    assert patch(at_home, turn_detection={"silence_ms": 1}).status_code == 422
    assert patch(at_home, system_prompt="nul \0").status_code == 422
    assert patch(at_home, colour="red").status_code == 422
    assert not Preferences.objects.exists()

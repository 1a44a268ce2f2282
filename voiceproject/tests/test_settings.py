"""What the environment gives, and what stands in the files that document it."""

from __future__ import annotations

import re
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from pydantic import SecretStr

from interaction.providers import registry
from voiceproject.environment import BASE_DIR
from voiceproject.environment import Environment as OwnEnvironment
from voiceproject.secret import secret_key
from voiceproject.settings import Environment

OWN = {name.upper() for name in OwnEnvironment.model_fields}
FIELDS = {name.upper() for name in Environment.model_fields}


def test_the_example_names_every_setting_and_nothing_else() -> None:
    """A provider's variables are in its declaration: a line of their own is a convenience."""
    lines = (BASE_DIR / ".env.example").read_text().splitlines()
    named = [match[1] for line in lines if (match := re.match(r"#?([A-Z][A-Z0-9_]+)=", line))]
    assert len(named) == len(set(named))
    assert OWN <= set(named) <= FIELDS


def test_every_variable_that_a_provider_declares_is_a_setting() -> None:
    declared = registry.current().variables()
    assert {variable.name for variable in declared} == FIELDS - OWN
    for variable in declared:
        value = getattr(settings.ENV, variable.field)
        assert isinstance(value, SecretStr) == variable.secret == variable.name.endswith("_KEY")


def test_a_providers_key_is_in_no_representation() -> None:
    env = Environment(deepgram_api_key="sk-secret")  # type: ignore[call-arg]
    assert env.deepgram_api_key.get_secret_value() == "sk-secret"  # type: ignore[attr-defined]
    assert "sk-secret" not in repr(env)


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs/architecture.md"])
def test_settings_that_the_documentation_names_exist(page: str) -> None:
    others = {"PARLEY_CI"}
    words = set(re.findall(r"\b(?:PARLEY|OPENAI|TTS|S3)_[A-Z_]+\b", (BASE_DIR / page).read_text()))
    assert words <= FIELDS | others


def test_settings_are_the_only_reader_of_the_environment() -> None:
    """Outside of tests; entry points name the settings module, which is none of its matters."""
    allowed = {"environment.py", "command_line.py"}
    readers = [
        str(path.relative_to(BASE_DIR))
        for app in ("voiceproject", "interaction", "history")
        for path in (BASE_DIR / app).rglob("*.py")
        if re.search(
            r"os\.(environ(?!\.setdefault\(\"DJANGO_SETTINGS_MODULE\")|getenv)", path.read_text()
        )
        and "test" not in str(path.relative_to(BASE_DIR))
        and path.name not in allowed
    ]
    assert readers == []


def test_a_bad_setting_is_named_without_its_value(subprocess_env: dict[str, str]) -> None:
    env = subprocess_env | {"PORT": "sk-secret"}
    told = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=BASE_DIR,
        env=env,
        capture_output=True,
        text=True,
    )
    assert told.returncode != 0
    assert "PORT: " in told.stderr
    assert "sk-secret" not in told.stderr


ENDPOINTS = (
    """[{"name": "home", "base_url": "http://ollama:11434/v1/", "models": {"llm": ["m"]}}]"""
)


def test_endpoints_are_read_from_json_or_from_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "endpoints.json"
    file.write_text(ENDPOINTS)
    for value in (ENDPOINTS, str(file)):
        monkeypatch.setenv("PARLEY_ENDPOINTS", value)
        (endpoint,) = Environment().parley_endpoints
        assert endpoint.base_url == "http://ollama:11434/v1"
        assert endpoint.sample_rate == 24_000


@pytest.mark.parametrize(
    "value",
    [
        '[{"name": "home", "api_key": ["sk-secret"]}]',
        '[{"name": "home", "base_url": "ftp://sk-secret", "models": {}}]',
        '[{"name": "sk-secret"',
        "/no/such/file/sk-secret",
    ],
)
def test_bad_endpoints_are_told_without_what_stands_in_them(
    value: str, subprocess_env: dict[str, str]
) -> None:
    told = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=BASE_DIR,
        env=subprocess_env | {"PARLEY_ENDPOINTS": value},
        capture_output=True,
        text=True,
    )
    assert told.returncode != 0
    assert "PARLEY_ENDPOINTS" in told.stderr
    assert "sk-secret" not in told.stderr


def test_a_secret_key_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        keys = set(threads.map(secret_key, [tmp_path] * 8))
    assert len(keys) == 1
    (file,) = tmp_path.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.django_db(transaction=True)
def test_sqlite_writes_ahead_and_waits_for_its_turn() -> None:
    if connection.vendor != "sqlite":
        pytest.skip("the run's database is another")
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA journal_mode")
        assert cursor.fetchone() == ("wal",)
        cursor.execute("PRAGMA busy_timeout")
        assert cursor.fetchone() == (20_000,)


PIN = re.compile(r"(#.*)?|[\w\-\[\].,]+==[\w.+!]+( ; [\w =\"]+)?")
"""A version, and the systems that it is for; a comment."""


def test_requirements_hold_pins_alone() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        for line in (BASE_DIR / name).read_text().splitlines():
            text = line.strip()
            assert PIN.fullmatch(text)
            assert "://" not in text


def test_tests_have_a_data_folder_of_their_own() -> None:
    assert settings.DATA_DIR != BASE_DIR / "data"
    key: SecretStr = getattr(settings.ENV, "openai_api_key")  # noqa: B009 - declared by a provider
    assert not key.get_secret_value()

"""Providers are found by their declarations: those of this package, and those of others."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks

from interaction.core.types import ProviderSelection
from interaction.credentials.provider_selection import (
    ProviderOption,
    provider_config,
    provider_options,
)
from interaction.providers import registry
from interaction.providers.declaration import Account, Capabilities, EnvVar, Provider, StageEntry
from interaction.providers.registry import SHIPPED, Registry
from interaction.providers.stage_protocols import Transcript
from voiceproject.environment import BASE_DIR, Environment, with_variables

DECLARATION = """
from interaction.providers.declaration import Account, Capabilities, EnvVar, Provider, StageEntry

PROVIDER = Provider(
    name="acme",
    label="Acme",
    account=Account(
        "https://api.acme.example",
        api_key_variable=EnvVar("ACME_API_KEY", secret=True),
        base_url_variable=EnvVar("ACME_BASE_URL"),
        check_path="/me",
    ),
    stages=(
        StageEntry(
            "stt",
            "parley_acme.stt:SpeechToText",
            Capabilities(streaming=False, models=("small", "large"), needs_key=True),
            model_variable=EnvVar("ACME_MODEL", "large"),
        ),
    ),
)
"""
STT = """
from interaction.providers.stage_protocols import Transcript


class SpeechToText:
    def __init__(self, config):
        self._config = config

    async def transcribe(self, audio):
        received = b"".join([piece async for piece in audio])
        yield Transcript(f"{len(received)} bytes for {self._config.model}", final=True)

    async def aclose(self):
        pass
"""
ACME = Provider(
    name="acme",
    label="Acme",
    account=Account("https://api.acme.example", EnvVar("ACME_API_KEY", secret=True)),
    stages=(StageEntry("stt", "acme.stt:SpeechToText", Capabilities(False, needs_key=True)),),
)
Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Have a distribution installed: its entry points, and its package's files."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def install(name: str, points: str, **files: str) -> None:
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[parley.providers]\n{points}\n")
        for module, text in files.items():
            path = tmp_path / name / f"{module}.py"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
            monkeypatch.delitem(sys.modules, f"{name}.{module}", raising=False)
        monkeypatch.delitem(sys.modules, name, raising=False)

    return install


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Callable[..., Registry]:
    """What a start finds, with these variables in the environment."""

    def started(**environment: str) -> Registry:
        found = Registry(SHIPPED, reserved_variables=Environment.model_fields)
        monkeypatch.setattr(registry, "_registry", found)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        settings.ENV = with_variables(found.variables())()
        return found

    return started


def problems(found: Registry) -> list[tuple[str, str]]:
    return [(problem.code, problem.detail) for problem in found.problems]


async def audio() -> AsyncIterator[bytes]:
    yield bytes(3_200)


async def test_a_provider_of_another_package_is_found_chosen_and_serves(
    install: Install, started: Callable[..., Registry]
) -> None:
    install("parley_acme", "acme = parley_acme:PROVIDER", __init__=DECLARATION, stt=STT)
    found = started(ACME_API_KEY="sk-acme")
    assert not found.problems
    assert "parley_acme.stt" not in sys.modules, "it is imported when it is used"
    assert found.accounts()["acme"].label == "Acme"

    config = await provider_config("stt", ProviderSelection("acme"), 0)
    assert (config.api_key, config.model) == ("sk-acme", "large")
    assert "sk-acme" not in repr(config)
    provider = registry.load("stt", config)
    transcripts = [transcript async for transcript in provider.transcribe(audio())]
    assert transcripts == [Transcript("3200 bytes for large", final=True)]


def test_a_provider_of_another_package_is_offered(
    install: Install, started: Callable[..., Registry]
) -> None:
    install("parley_acme", "acme = parley_acme:PROVIDER", __init__=DECLARATION, stt=STT)

    def acme() -> ProviderOption:
        *others, last = provider_options(None)["stt"]
        assert [option.name for option in others] == list(Registry(SHIPPED).entries("stt"))[:-1]
        return last

    started()
    assert (acme().name, acme().label, acme().available) == ("acme", "Acme", False)
    assert acme().reason == "It needs a key: add yours under Keys."
    started(ACME_API_KEY="sk-acme", ACME_MODEL="huge")
    assert (acme().available, acme().key) == (True, "server")
    assert acme().models == ("huge", "small", "large")
    assert not acme().default


@pytest.mark.parametrize(
    ("point", "code"),
    [
        ("parley_acme:NOTHING", "not_importable"),
        ("no_such_package:PROVIDER", "not_importable"),
        ("parley_acme:TEXT", "not_a_provider"),
        ("parley_acme:BROKEN", "not_importable"),
    ],
)
def test_a_broken_one_is_left_out_and_costs_nobody_else_anything(
    point: str, code: str, install: Install, started: Callable[..., Registry]
) -> None:
    broken = "raise RuntimeError('out of order')\n" if point.endswith("BROKEN") else ""
    install("parley_acme", f"acme = {point}", __init__=f"{broken}TEXT = 'a provider'\n")
    found = started()
    (problem,) = found.problems
    assert problem.code == code
    assert f"acme = {point} of parley_acme" in problem.source
    shipped = Registry(SHIPPED, use_entry_points=False)
    assert list(found.providers) == list(shipped.providers)
    (message,) = [one for one in run_checks(tags=["parley"]) if one.id == "parley.W004"]
    assert point in message.msg


@pytest.mark.parametrize(
    ("declared", "code", "detail"),
    [
        (replace(ACME, name="openai"), "malformed", "ACME_API_KEY does not begin with OPENAI_"),
        (replace(ACME, name="openai", account=None, stages=()), "duplicate", "openai"),
        (replace(ACME, name="a:b"), "malformed", "'a:b'"),
        (replace(ACME, account=None), "malformed", "no account"),
        (
            replace(ACME, stages=(StageEntry("stt", "acme.stt", Capabilities(True)),)),
            "malformed",
            "not module:Class",
        ),
        (
            replace(ACME, stages=(replace(ACME.stages[0], name="deepgram"),)),
            "duplicate",
            "stt deepgram",
        ),
        (
            replace(ACME, account=Account("http://x", EnvVar("ACME_API_KEY"))),
            "malformed",
            "ACME_API_KEY holds a key, but is not declared secret",
        ),
        (
            Provider("tts", "T", (), Account("http://x", EnvVar("TTS_VOICE", secret=True))),
            "duplicate",
            "TTS_VOICE",
        ),
    ],
)
def test_a_declaration_that_cannot_be_used_says_why(
    declared: Provider, code: str, detail: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[__name__], "DECLARED", declared, raising=False)
    own = f"{__name__}.DECLARED"
    found = Registry([*SHIPPED, own], reserved_variables=["tts_voice"], use_entry_points=False)
    ((found_code, found_detail),) = problems(found)
    assert found_code == code
    assert detail in found_detail


def test_the_order_is_that_of_the_paths_and_then_of_the_entry_points_names(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("zeta", "eta"):
        text = DECLARATION.replace("acme", name).replace("ACME", name.upper())
        install(f"parley_{name}", f"{name} = parley_{name}:PROVIDER", __init__=text)
    paths = ["interaction.providers.deepgram.PROVIDER", "interaction.providers.*"]
    found = Registry(paths)
    assert not found.problems
    names = list(found.providers)
    assert (names[0], names[-2:]) == ("deepgram", ["eta", "zeta"])
    folders = names[1:-2]
    assert folders == sorted(folders)
    assert {"anthropic", "openai", "parley"} <= set(folders)


def test_paths_restrict_what_is_found() -> None:
    found = Registry(["interaction.providers.local.*"], use_entry_points=False)
    assert {"demo", "espeak", "pocketsphinx"} <= set(found.providers)
    assert not {"openai", "parley"} & set(found.providers)
    assert not found.entries("realtime")
    with pytest.raises(KeyError):
        found.entry("llm", "endpoint:home")


def test_a_stage_without_a_provider_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    local = Registry(["interaction.providers.local.*"], use_entry_points=False)
    monkeypatch.setattr(registry, "_registry", local)
    found = [message for message in run_checks(tags=["parley"]) if message.id == "parley.E008"]
    assert ["REALTIME" in message.msg for message in found] == [True]
    assert provider_options(None)["realtime"] == []


def test_every_shipped_folder_declares_itself_without_a_problem() -> None:
    found = Registry(SHIPPED, use_entry_points=False, reserved_variables=Environment.model_fields)
    assert not found.problems
    folders = {path.parent for path in (BASE_DIR / "interaction/providers").rglob("__init__.py")}
    declaring = {folder for folder in folders if "PROVIDER =" in _text(folder / "__init__.py")}
    assert len(declaring) == len(found.providers)


def test_declarations_import_no_sdk_and_no_framework(processes: None) -> None:
    code = (
        "import sys; from interaction.providers import registry; "
        "assert registry.current().providers; "
        "heavy = {'openai', 'anthropic', 'google.genai', 'httpx2', 'numpy', 'websockets', "
        "'onnxruntime', 'pocketsphinx', 'espeakng_loader', 'django', 'celery'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=BASE_DIR, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def _text(path: Path) -> str:
    return path.read_text()

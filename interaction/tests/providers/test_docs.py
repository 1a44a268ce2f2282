"""docs/providers.md: what it lists is what there is, and who follows it gets a provider."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from interaction.audio import wav
from interaction.management.commands.providers import documented
from interaction.providers.config import Kind
from interaction.providers.registry import SHIPPED, Registry
from voiceproject.environment import BASE_DIR
from voiceproject.settings import Environment
from voiceproject.testing.installation import bare_environment, free_port, wait_until

DOCUMENT = (BASE_DIR / "docs" / "providers.md").read_text()
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
LEFT_OUT = (".git", ".venv", "data", "node_modules", "__pycache__", ".*_cache", ".coverage*")
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


@pytest.mark.slow
def test_whoever_follows_it_word_for_word_gets_a_provider_that_speaks(tmp_path: Path) -> None:
    copy = Copy(tmp_path / "parley")
    chapter = DOCUMENT[DOCUMENT.index("## Adding a provider") :]
    *files, trying, talking = [text for _, text in BLOCK.findall(chapter)[:5]]
    assert "`make install-dev`" in chapter, "`make run` alone installs no pytest"
    paths = re.findall(r"into `(\S+\.py)`", chapter)
    for path, text in zip(paths, files, strict=True):
        (copy.here / path).parent.mkdir(exist_ok=True)
        (copy.here / path).write_text(text)

    assert "1 passed" in copy.follow(trying)
    copy.follow(f".venv/bin/python -m ruff check {' '.join(paths)}")
    copy.follow(f".venv/bin/python -m ruff format --check {' '.join(paths)}")
    with copy.running():
        copy.follow(talking)
    (spoken,) = (copy.here / "beeps").glob("*.wav")
    with spoken.open("rb") as file:
        sound = wav.read(file, max_seconds=60)
    samples = np.frombuffer(sound.pcm, dtype="<i2")
    loudest = np.abs(np.fft.rfft(samples)).argmax() * sound.rate / len(samples)
    # "You said: Good morning." has words of three, five, four and eight letters.
    assert min(abs(loudest - (300 + 60 * letters)) for letters in (3, 5, 4, 8)) < 5


class Copy:
    """Another Parley, in a folder of its own."""

    def __init__(self, here: Path) -> None:
        self.here = here
        shutil.copytree(BASE_DIR, here, ignore=shutil.ignore_patterns(*LEFT_OUT))
        (here / ".venv").symlink_to(sys.prefix)
        self.env = bare_environment() | {
            "PARLEY_ENV_FILE": os.devnull,
            "PARLEY_DATA_DIR": str(here / "data"),
            "PORT": str(free_port()),
        }

    def follow(self, commands: str) -> str:
        """What these commands print."""
        done = subprocess.run(
            ["sh", "-e", "-c", commands],
            cwd=self.here,
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{commands}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    @contextmanager
    def running(self) -> Iterator[None]:
        self.follow(".venv/bin/python manage.py migrate --verbosity 0")
        self.follow(".venv/bin/python manage.py seed")
        log = self.here / "up.log"
        with log.open("w") as out:
            up = subprocess.Popen(
                [sys.executable, "manage.py", "up"],
                cwd=self.here,
                env=self.env,
                stdout=out,
                stderr=out,
            )
        try:
            wait_until("it is ready", self._is_ready, 60)
            yield
        except AssertionError as error:
            raise AssertionError(f"{error}\n{log.read_text()}") from None
        finally:
            up.send_signal(signal.SIGTERM)
            up.wait(30)

    def _is_ready(self) -> bool:
        try:
            url = f"http://127.0.0.1:{self.env['PORT']}/api/v1/health/ready"
            with urllib.request.urlopen(url, timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

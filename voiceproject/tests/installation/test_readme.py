"""The commands of README, word for word, as a newcomer pastes them beside a running Parley; and
docs/providers.md, as somebody follows it who adds a provider there."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from interaction.audio import wav
from voiceproject.environment import BASE_DIR
from voiceproject.testing.installation import LIGHT, PATIENCE, Install, Installation
from voiceproject.testing.plugin import program

PROVIDERS = (BASE_DIR / "docs" / "providers.md").read_text()
ADDING = PROVIDERS[PROVIDERS.index("## Adding a provider") :]
*FILES, TRYING, TALKING = re.findall(r"^```\w+\n(.*?)^```$", ADDING, re.M | re.S)[:5]
PATHS = re.findall(r"into `(\S+\.py)`", ADDING)
README = (BASE_DIR / "README.md").read_text()
PROGRAMS, USERS = re.findall(r"```sh\n(\.venv/.*?)```", README, re.S)
LOOKING = re.findall(r"`(\.venv/bin/python manage\.py [a-z_ ]+)`", README)
LEFT_OUT = (".git", ".venv", "data", "node_modules", "__pycache__", ".*_cache", ".coverage*")
ANSWERS = {
    "Username": "guest",
    "Email address": "",
    "Password": "a rather long password",
    "Password (again)": "a rather long password",
}
"""What a person types when a command of ``USERS`` asks."""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another Parley, with its packages installed, and the provider that the documentation adds."""
    folder = tmp_path_factory.mktemp("checkout") / "parley"
    shutil.copytree(BASE_DIR, folder, ignore=shutil.ignore_patterns(*LEFT_OUT))
    (folder / ".venv").mkdir()
    for path in Path(sys.prefix).iterdir():
        if not path.name.startswith("installed"):
            (folder / ".venv" / path.name).symlink_to(path)
    (folder / ".venv/installed").touch()
    for path, text in zip(PATHS, FILES, strict=True):
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text)
    return folder


@pytest.fixture(scope="module")
def parley(
    tmp_path_factory: pytest.TempPathFactory, checkout: Path, install: Install
) -> Iterator[Installation]:
    """Started by README's ``make run PORT=… PARLEY_DATA_DIR=…``: nothing else knows of either."""
    made = install(tmp_path_factory.mktemp("home") / "Parleys größte Daten", **LIGHT)
    chosen = {name: made.env.pop(name) for name in ("PORT", "PARLEY_DATA_DIR")}
    made.env |= {
        "XDG_STATE_HOME": str(made.data_dir.parent / "state"),
        "PIP_NO_INDEX": "1",  # the recogniser's model is none of this
    }
    words = [f"{name}={value}" for name, value in chosen.items()]
    made.command = [program("make"), "--directory", str(checkout), "run", *words]
    try:
        made.start()
        made.wait_until_ready()
        yield made
    finally:
        made.__exit__()


def test_make_run_says_what_it_does_and_where_parley_is(parley: Installation) -> None:
    parley.wait_until_said("/sign-in/#")
    said = [line for line in parley.output if not line.startswith(("make", "tiny-en"))]
    assert said[0] == "database is being prepared"
    assert re.fullmatch(r"database prepared after [\d.]+ s", said[1])
    assert said[2] == "Made the user owner."
    assert f"http://localhost:{parley.port}/sign-in/#" in said[-1]
    assert all(re.match(r"\w+ +ready (after [\d.]+ s|at http)", line) for line in said[3:])


def test_programs_are_pasted_line_by_line(parley: Installation, checkout: Path) -> None:
    program("curl")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", PROGRAMS],
        cwd=checkout, env=parley.env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "time" in done.stdout.lower()
    assert (checkout / "answer.wav").read_bytes()[:4] == b"RIFF"
    said = {line for line in done.stderr.splitlines() if "This is about" in line}
    assert said == {
        f"This is about the Parley in {parley.data_dir}, on port {parley.port}.",
    }, "three commands take the same one"


def test_links_and_passwords_and_users_are_made(parley: Installation, checkout: Path) -> None:
    said = typed(["bash", "-eu", "-c", USERS], checkout, parley.env)
    assert f"http://localhost:{parley.port}/sign-in/#" in said
    assert "Password changed successfully for user 'owner'" in said
    assert "Superuser created successfully." in said


def test_what_looks_works_as_well(parley: Installation, checkout: Path) -> None:
    assert len(LOOKING) >= 2

    def run(line: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", line],
            cwd=checkout, env=parley.env, capture_output=True, text=True, check=False,
        )  # fmt: skip

    with ThreadPoolExecutor(2) as two:
        for done in two.map(run, LOOKING):
            assert done.returncode == 0, done.stderr


def test_a_provider_that_is_added_word_for_word_keeps_the_rules_and_speaks(
    parley: Installation, checkout: Path
) -> None:
    def follow(commands: str) -> str:
        done = subprocess.run(
            ["sh", "-e", "-c", commands],
            cwd=checkout, env=parley.env, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{commands}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    assert "`make install-dev`" in ADDING, "`make run` alone installs no pytest"
    assert "1 passed" in follow(TRYING)
    follow(f".venv/bin/python -m ruff check {' '.join(PATHS)}")
    follow(f".venv/bin/python -m ruff format --check {' '.join(PATHS)}")
    follow(TALKING)
    (spoken,) = (checkout / "beeps").glob("*.wav")
    with spoken.open("rb") as file:
        sound = wav.read(file, max_seconds=60)
    samples = np.frombuffer(sound.pcm, dtype="<i2")
    loudest = np.abs(np.fft.rfft(samples)).argmax() * sound.rate / len(samples)
    # "You said: Good morning." has words of three, five, four and eight letters.
    assert min(abs(loudest - (300 + 60 * letters)) for letters in (3, 5, 4, 8)) < 5


def typed(command: list[str], folder: Path, env: dict[str, str]) -> str:
    """What a command prints at a terminal, whose questions are answered as ``ANSWERS`` says."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.execvpe(command[0], command, env)
    said, asked_until = "", 0
    deadline = time.monotonic() + PATIENCE
    try:
        while time.monotonic() < deadline:
            if not select.select([terminal], [], [], 1)[0]:
                continue
            try:
                piece = os.read(terminal, 4096)
            except OSError:  # Linux's end of a terminal
                piece = b""
            if not piece:
                break
            said += piece.decode(errors="replace")
            question = said[asked_until:].splitlines()[-1] if said[asked_until:] else ""
            for asked, answer in ANSWERS.items():
                if re.fullmatch(rf"{re.escape(asked)}(?: \(leave blank.*\))?: ", question):
                    os.write(terminal, f"{answer}\n".encode())
                    asked_until = len(said)
    finally:
        os.close(terminal)
        _pid, status = os.waitpid(pid, 0)
    assert status == 0, said
    return said

"""A whole Parley of its own, started by ``manage.py up`` as a person starts it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError

import psutil
from django.conf import settings

from voiceproject import redis_server
from voiceproject.environment import BASE_DIR
from voiceproject.testing.plugin import SHARED_DIR

PREPARED = SHARED_DIR / "prepared"
"""The data folder of an installation that was migrated and seeded, for the others to begin with."""

LIGHT = {"PARLEY_STT": "pocketsphinx", "PARLEY_LLM": "demo", "PARLEY_TTS": "espeak"}
"""Environment of an installation whose engines start in no time, for tests of something else."""
PATIENCE = 120.0
"""Seconds until a test gives up: far more than anything takes on a busy machine."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def bare_environment() -> dict[str, str]:
    """This process's environment without what configures Parley."""
    left_out = {name.upper() for name in type(settings.ENV).model_fields}
    return {name: value for name, value in os.environ.items() if name not in left_out}


def wait_until(what: str, true: Callable[[], Any], within: float = PATIENCE) -> float:
    """Poll until ``true()`` and return the seconds it took; fail with ``what`` after ``within``."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < within, f"not within {within} s: {what}"
        time.sleep(0.05)
    return time.monotonic() - began


def gone(process: psutil.Process) -> bool:
    """Has it ended? A zombie has: whoever should have buried it was killed too."""
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


@contextlib.contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Among the workers of a run."""
    with (SHARED_DIR / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


class Installation:
    """``env`` adds to or changes what the environment gives, by name."""

    def __init__(self, data_dir: Path, **env: str) -> None:
        self.data_dir = data_dir
        self.port = free_port()
        self.env = bare_environment() | {
            "PARLEY_DATA_DIR": str(data_dir),
            "PARLEY_ENV_FILE": os.devnull,
            "LC_ALL": "C.UTF-8",
            "XDG_STATE_HOME": str(data_dir / "state"),
            "PORT": str(self.port),
            "DJANGO_SETTINGS_MODULE": "voiceproject.settings",
            **env,
        }
        self.command = [sys.executable, str(BASE_DIR / "manage.py"), "up"]
        self.up: subprocess.Popen[str] | None = None
        self.output: list[str] = []
        self._line = threading.Condition()

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def manage(self, *words: str) -> str:
        """What a command of manage.py prints."""
        command = [sys.executable, str(BASE_DIR / "manage.py"), *words]
        done = subprocess.run(command, env=self.env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    @cached_property
    def token(self) -> str:
        """The owner's, for programs."""
        return self.manage("api_token", "owner")

    def prepare(self) -> None:
        """Migrate and seed, as ``make run`` does; what this made the first time serves the rest."""
        with _one_at_a_time():
            if not PREPARED.exists():
                self.manage("migrate", "--verbosity", "0")
                self.manage("seed")
                being_copied = PREPARED.with_suffix(".part")
                shutil.copytree(self.data_dir, being_copied)
                being_copied.rename(PREPARED)
                return
        shutil.copytree(PREPARED, self.data_dir, dirs_exist_ok=True)

    def start(self) -> None:
        self.output = []
        self.up = subprocess.Popen(
            self.command,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        threading.Thread(target=self._read, args=(self.up,), daemon=True).start()

    def _read(self, up: subprocess.Popen[str]) -> None:
        assert up.stdout
        with up.stdout:
            for line in up.stdout:
                with self._line:
                    self.output.append(line.rstrip("\n"))
                    self._line.notify_all()

    def wait_until_said(self, words: str) -> None:
        """Until ``up`` has printed a line that holds ``words``, since it was started."""
        with self._line:
            found = self._line.wait_for(
                lambda: any(words in line for line in self.output), PATIENCE
            )
        assert found, "\n".join([f"{words!r} is not in:", *self.output])

    def readiness(self) -> dict[str, str]:
        """The word of each part, or nothing while nobody answers."""
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/health/ready", timeout=5) as answer:
                body = answer.read()
        except HTTPError as error:
            with error:
                body = error.read()
        except (URLError, OSError):
            return {}
        parts: dict[str, str] = json.loads(body)["parts"]
        return parts

    def is_ready(self) -> bool:
        parts = self.readiness()
        return bool(parts) and set(parts.values()) == {"ok"}

    def wait_until_ready(self, within: float = PATIENCE) -> float:
        try:
            return wait_until("every part is ready", self.is_ready, within)
        except AssertionError as error:
            raise AssertionError("\n".join([str(error), *self.output])) from None

    def processes(self) -> list[psutil.Process]:
        """Every process that belongs to this installation, ``up`` included."""
        found = []
        for process in psutil.process_iter():
            try:
                # Redis writes its title over its environment.
                mine = process.environ().get("PARLEY_DATA_DIR") == str(self.data_dir) or (
                    f"unixsocket:{redis_server.socket_path(self.data_dir)}"
                    in " ".join(process.cmdline())
                )
            except psutil.Error:
                continue
            if mine and not gone(process):
                found.append(process)
        return found

    def process(self, *words: str) -> psutil.Process:
        """The one process whose command line has all of these words."""
        (found,) = [process for process in self.processes() if set(words) <= {*process.cmdline()}]
        return found

    @property
    def redis(self) -> psutil.Process:
        """Its private Redis, which has a title instead of a command line."""
        (found,) = [p for p in self.processes() if "redis-server" in p.cmdline()[0]]
        return found

    def lives(self, part: str) -> int:
        """How often a part has become ready."""
        return sum(line.split()[:2] == [part, "ready"] for line in list(self.output))

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        if self.up is None:
            return
        self.up.send_signal(number)
        self.up.wait(PATIENCE)
        wait_until("no process is left", lambda: not self.processes())
        self.up = None

    def __enter__(self) -> Installation:
        self.prepare()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.stop()
        finally:
            for process in self.processes():
                process.kill()


Install = type[Installation]
"""``with install(folder, **env) as parley``: what the fixture ``install`` gives."""

"""A real worker, a stand-in for its providers, Redis to be broken, a whole installation and a
browser, beside a test.

A plugin, and not imported by those who want its fixtures: there is one worker a run, since any
other on the same Redis would take its tasks.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import redis

from interaction.bus import redis_keys
from voiceproject import redis_server
from voiceproject.environment import BASE_DIR

if TYPE_CHECKING:  # both ask for Django's settings, which are not there yet
    from voiceproject.testing.browser import Browsing
    from voiceproject.testing.installation import Install

QUEUES = ("stt", "llm", "tts", "default")
STARTS_WITHIN = 60.0


class Worker:
    """A Celery worker process that serves all queues, or those that are named."""

    def __init__(self, env: dict[str, str], queues: tuple[str, ...] = QUEUES) -> None:
        self.env = env
        self.queues = queues
        self._log = Path(tempfile.mkstemp(prefix="worker-", suffix=".log")[1])
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None, "it was not started"
        return self._process.pid

    def start(self) -> None:
        """Start it where it does not run, and wait until it takes tasks."""
        if self._process is None or self._process.poll() is not None:
            with self._log.open("ab") as log:
                self._process = subprocess.Popen(
                    [
                        *(sys.executable, "-m", "celery", "--app", "voiceproject"),
                        *("--skip-checks", "--quiet", "worker", "--queues", ",".join(self.queues)),
                        *("--hostname", f"test-{'-'.join(self.queues)}@%h", "--without-mingle"),
                        *("--without-gossip", "--without-heartbeat"),
                    ],
                    cwd=BASE_DIR,
                    env=self.env,
                    stdout=log,
                    stderr=log,
                )
            self.wait_until_ready()

    def wait_until_ready(self) -> None:
        names = [redis_keys.worker_alive(queue) for queue in self.queues]
        give_up_at = time.monotonic() + STARTS_WITHIN
        with redis.Redis.from_url(self.env["REDIS_URL"]) as client:
            while set(client.mget(names)) != {b"%d" % self.pid}:
                assert self._process and self._process.poll() is None, self.log()
                assert time.monotonic() < give_up_at, self.log()
                time.sleep(0.05)

    def kill(self) -> None:
        """``kill -9``, and bury it."""
        if self._process and self._process.poll() is None:
            os.kill(self.pid, signal.SIGKILL)
            self._process.wait()

    def stop(self) -> None:
        """In an orderly way, so that its coverage is kept; by force where that takes too long."""
        if self._process and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(15)
            except subprocess.TimeoutExpired:
                self.kill()

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def wait_for_log(self, pattern: str, within: float = 10) -> re.Match[str]:
        """The first match of ``pattern`` in its log, which may still have to be written."""
        give_up_at = time.monotonic() + within
        while not (found := re.search(pattern, self.log())):
            assert time.monotonic() < give_up_at, f"no {pattern!r} in:\n{self.log()}"
            time.sleep(0.05)
        return found

    def forget_log(self) -> None:
        os.truncate(self._log, 0)

    def remove(self) -> None:
        self.stop()
        self._log.unlink(missing_ok=True)


class Providers:
    """The stand-in for OpenAI's server, in a process of its own. Its script holds for the
    test; ``interaction/tests/standins/openai.py`` says what a script may hold."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "interaction.tests.standins.openai"],
            cwd=BASE_DIR,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout
        self.url = self._process.stdout.readline().strip()

    def always(self, stage: str, **plan: Any) -> None:
        self._ask("PATCH", {stage: {"always": plan}})

    def next(self, stage: str, **plan: Any) -> None:
        self._ask("PATCH", {stage: {"next": [plan]}})

    def release(self) -> None:
        """Let everything go that a plan with ``held`` holds."""
        self._ask("POST", None, "_release")

    def reset(self) -> None:
        self._ask("DELETE", None)

    def requests(self, stage: str) -> list[dict[str, Any]]:
        """What it was asked so far."""
        with urllib.request.urlopen(f"{self._base}/_log", timeout=10) as answer:
            log: list[dict[str, Any]] = json.load(answer)["requests"]
        return [request for request in log if request["stage"] == stage]

    def remove(self) -> None:
        self._process.kill()
        self._process.wait()
        assert self._process.stdout
        self._process.stdout.close()

    @property
    def _base(self) -> str:
        return self.url.removesuffix("/v1")

    def _ask(self, method: str, body: Any, path: str = "_script") -> None:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self._base}/{path}", data, headers, method=method)
        urllib.request.urlopen(request, timeout=10).close()


@pytest.fixture(scope="session")
def _standin() -> Iterator[Providers]:
    server = Providers()
    yield server
    server.remove()


@pytest.fixture
def standin(_standin: Providers) -> Providers:
    """The worker's ``openai`` provider, answering at once until a test scripts it."""
    _standin.reset()
    return _standin


@pytest.fixture(scope="session")
def _worker(subprocess_env: dict[str, str], _standin: Providers) -> Iterator[Worker]:
    local = {"PARLEY_STT": "pocketsphinx", "PARLEY_LLM": "demo", "PARLEY_TTS": "espeak"}
    openai = {"OPENAI_BASE_URL": _standin.url, "OPENAI_API_KEY": "a key"}
    worker = Worker({**subprocess_env, **local, **openai})
    yield worker
    worker.remove()


@pytest.fixture
def worker(_worker: Worker, redis_client: redis.Redis, transactional_db: None) -> Worker:
    """The run's worker, alive and idle, with an empty log, an empty Redis and the test database."""
    _worker.start()
    _worker.forget_log()
    return _worker


@pytest.fixture(scope="session")
def install() -> Install:
    """``with install(folder, **env) as parley``: a whole Parley, started by ``manage.py up``."""
    from voiceproject.testing.installation import Installation

    return Installation


@pytest.fixture(scope="module")
def browsing() -> Iterator[Browsing]:
    """``with browsing(parley, wav) as tab``: a person at a real Chromium.

    A module's: its driver leaves no place for another event loop, such as an async test's.
    """
    from voiceproject.testing.browser import chromium

    with chromium() as browsing:
        yield browsing


@pytest.fixture(scope="session")
def browsing_firefox() -> Browsing:
    """``with browsing_firefox(parley, folder) as tab``: a person at a real Firefox."""
    from voiceproject.testing.firefox import browsing_firefox

    return browsing_firefox


class RunRedis:
    """The run's own Redis, to be stopped, continued or replaced by an empty one."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._replacement: subprocess.Popen[bytes] | None = None

    def pause(self) -> None:
        """It accepts connections and answers nobody."""
        os.kill(self._pid(), signal.SIGSTOP)

    def go_on(self) -> None:
        os.kill(self._paused, signal.SIGCONT)

    def die(self) -> None:
        os.kill(self._pid(), signal.SIGKILL)
        if self._replacement:
            self._replacement.wait()

    def come_back(self) -> None:
        """Start it anew, on the same socket, empty."""
        self._replacement = subprocess.Popen(redis_server.command(self._url))
        give_up_at = time.monotonic() + STARTS_WITHIN
        while not self._answers():
            assert time.monotonic() < give_up_at, "Redis does not come back"
            time.sleep(0.05)

    def remove(self) -> None:
        if self._replacement:
            self._replacement.kill()
            self._replacement.wait()

    def _answers(self) -> bool:
        with redis.Redis.from_url(self._url) as client:
            try:
                return bool(client.ping())
            except redis.ConnectionError:
                return False

    def _pid(self) -> int:
        with redis.Redis.from_url(self._url) as client:
            self._paused = int(client.info("server")["process_id"])
        return self._paused


@pytest.fixture(scope="session")
def run_redis(redis_url: str) -> Iterator[RunRedis]:
    server = RunRedis(redis_url)
    yield server
    server.remove()

"""A real web server beside a test: daphne, on the run's Redis and database."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path
from urllib.error import URLError

from voiceproject.environment import BASE_DIR
from voiceproject.testing.installation import free_port, wait_until

STARTS_WITHIN = 60.0


class WebServer:
    """``env``: as the fixture ``subprocess_env`` gives it; ``changes`` are put on top of it."""

    def __init__(self, env: dict[str, str], **changes: str) -> None:
        self.port = free_port()
        self.env = env | {"PORT": str(self.port)} | changes
        self._log = Path(tempfile.mkstemp(prefix="web-", suffix=".log")[1])
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None, "it was not started"
        return self._process.pid

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "voiceproject.web"],
                cwd=BASE_DIR,
                env=self.env,
                stdout=log,
                stderr=log,
            )
        wait_until("the web server answers", self._answers, within=STARTS_WITHIN)

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def remove(self) -> None:
        if self._process:
            self._process.terminate()
            try:
                self._process.wait(15)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._log.unlink(missing_ok=True)

    def _answers(self) -> bool:
        assert self._process and self._process.poll() is None, self.log()
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/health", timeout=5) as answer:
                return bool(answer.status == 200)
        except URLError:
            return False

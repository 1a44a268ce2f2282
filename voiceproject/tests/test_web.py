"""The web server as a real process: uploads touch no disk and have a limit."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from voiceproject.environment import BASE_DIR
from voiceproject.testing.installation import free_port, wait_until
from voiceproject.web import Body

MB = 1024 * 1024


def form(size: int) -> bytes:
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
    return head + b"x" * size + b"\r\n--x--\r\n"


@pytest.fixture(scope="module")
def web(
    django_db_setup: None, subprocess_env: dict[str, str]
) -> Iterator[tuple[int, psutil.Process]]:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "voiceproject.web"],
        cwd=BASE_DIR,
        env=subprocess_env | {"PORT": str(port), "PARLEY_MAX_UPLOAD_MB": "2"},
    )

    def answers() -> bool:
        try:
            return post(port, b"", path="/api/v1/health", method="GET")[0] == 200
        except OSError:
            return False

    try:
        wait_until("the web server answers", answers)
        yield port, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(10)


def post(
    port: int, body: bytes, path: str = "/api/v1/orchestrator", method: str = "POST"
) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("localhost", port, timeout=10)
    try:
        connection.request(method, path, body, {"Content-Type": "multipart/form-data; boundary=x"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_a_body_within_the_limit_reaches_the_application(web: tuple[int, psutil.Process]) -> None:
    status, body = post(web[0], form(MB))
    assert (status, b"unauthenticated" in body) == (401, True)


def test_a_body_beyond_the_limit_is_refused_and_says_why(web: tuple[int, psutil.Process]) -> None:
    status, body = post(web[0], form(8 * MB))
    assert status == 413
    assert b"2 MB" in body


def test_an_upload_in_progress_has_no_file(web: tuple[int, psutil.Process]) -> None:
    """Twisted's own way is a temporary file, already deleted: it shows among the open ones."""
    port, server = web
    connection = http.client.HTTPConnection("localhost", port, timeout=10)
    connection.putrequest("POST", "/api/v1/orchestrator")
    connection.putheader("Content-Length", str(2 * MB))
    connection.endheaders()
    sent = threading.Event()

    def send() -> None:
        connection.send(b"x" * MB)
        sent.set()

    threading.Thread(target=send).start()
    assert sent.wait(10)
    wait_until("the server has the connection", lambda: server.net_connections("tcp")[1:])
    files = {Path(file.path) for file in server.open_files()}
    assert not [file for file in files if Path(os.environ.get("TMPDIR", "/tmp")) == file.parent]
    connection.close()


def test_a_body_that_grows_too_long_is_let_go_at_once() -> None:
    body = Body(10)
    body.write(b"x" * 8)
    body.write(b"x" * 8)
    assert (body.getvalue(), body.received) == (b"", 16)

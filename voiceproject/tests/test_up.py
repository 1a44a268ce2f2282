"""``manage.py up`` as a person starts, breaks and stops it."""

from __future__ import annotations

import signal
import socket
import subprocess
from collections.abc import Iterator

import pytest
import redis

from interaction.bus.redis_keys import worker_alive
from voiceproject import redis_server
from voiceproject.testing.installation import PATIENCE, Install, Installation, wait_until


@pytest.fixture(scope="module")
def parley(tmp_path_factory: pytest.TempPathFactory, install: Install) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("parley")
    with install(folder) as installation:
        installation.wait_until_ready()
        yield installation


def test_every_part_is_said_and_then_the_address(parley: Installation) -> None:
    parley.wait_until_said("/sign-in/#")
    ready = [line.split()[0] for line in parley.output if " ready " in line]
    assert sorted(ready[:-1]) == ["archive", "beat", "redis", "web", "workers"]
    assert ready[-1] == "parley"


def test_nothing_listens_beyond_loopback(parley: Installation) -> None:
    listening = {
        connection.laddr.ip
        for process in parley.processes()
        for connection in process.net_connections("inet")
        if connection.status == "LISTEN"
    }
    assert listening == {"127.0.0.1"}


def test_a_killed_worker_is_back_within_seconds(parley: Installation) -> None:
    worker = parley.process("worker", "stt,llm,tts")
    worker.kill()
    parley.wait_until_said("workers  killed by signal 9")
    with redis.Redis.from_url(redis_server.socket_url(parley.data_dir)) as client:
        wait_until(
            "another worker serves the queues",
            lambda: client.get(worker_alive("stt")) not in (None, b"%d" % worker.pid),
        )


def test_a_killed_redis_comes_back_and_the_rest_goes_on(parley: Installation) -> None:
    others = {process.pid for process in parley.processes()}
    next(process for process in parley.processes() if "redis" in process.name()).kill()
    parley.wait_until_said("redis    killed by signal 9")
    parley.wait_until_ready()
    left = {process.pid for process in parley.processes()}
    assert len(others - left) == 2, "Redis and its leash alone were replaced"


def test_a_second_one_on_the_same_data_is_refused_for_its_port(
    parley: Installation, install: Install
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        folder = parley.data_dir / "another"
        another = install(folder, PORT=str(taken.getsockname()[1]))
        told = subprocess.run(another.command, env=another.env, capture_output=True, text=True)
        assert told.stderr.startswith(f"There is no database in {folder}.")
        another.prepare()
        told = subprocess.run(another.command, env=another.env, capture_output=True, text=True)
    assert told.returncode == 1
    assert "Choose another PORT" in told.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_whatever_ends_it_no_process_is_left_and_it_starts_again(
    parley: Installation, number: signal.Signals
) -> None:
    if parley.up is None:
        parley.start()
        parley.wait_until_ready()
    end(parley, number)


def test_a_redis_of_ones_own_is_used_and_none_is_started(
    parley: Installation, redis_url: str
) -> None:
    parley.stop()
    parley.env["REDIS_URL"] = redis_url
    parley.start()
    parley.wait_until_ready()
    assert not any("redis" in process.name() for process in parley.processes())
    end(parley, signal.SIGTERM)


def end(parley: Installation, number: signal.Signals) -> None:
    assert parley.up
    up = parley.up
    up.send_signal(number)
    up.wait(PATIENCE)
    wait_until("no process is left", lambda: not parley.processes())
    parley.up = None
    if number != signal.SIGKILL:
        assert up.returncode == 0
        parley.wait_until_said("stopped")

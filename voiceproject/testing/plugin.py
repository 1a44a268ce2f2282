"""Makes a private place for a test run before Django loads: data folder, Redis, database.

Loaded by ``-p`` (pyproject.toml), so that it comes before pytest-django. Nothing of the
developer's own environment or .env leaks into a run, but for DATABASE_URL.
"""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from interaction.providers import registry
from voiceproject import redis_server
from voiceproject.environment import with_variables

# /tmp rather than the platform's folder: a socket's path must be short.
RUN_DIR = Path(tempfile.mkdtemp(prefix="parley-test-", dir="/tmp"))
REDIS_URL = redis_server.socket_url(RUN_DIR)


def _isolate() -> None:
    for name in with_variables(registry.current().variables()).model_fields:
        if name != "database_url":
            os.environ.pop(name.upper(), None)
    os.environ["PARLEY_ENV_FILE"] = os.devnull
    os.environ["PARLEY_DATA_DIR"] = str(RUN_DIR)
    os.environ["REDIS_URL"] = REDIS_URL
    # Live tests look at the database from within a running loop.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    atexit.register(shutil.rmtree, RUN_DIR, ignore_errors=True)


_isolate()


def require(present: object, what: str) -> None:
    """Skip a test whose means are absent; where ``CI`` is set, fail it instead."""
    if present:
        return
    if os.environ.get("CI") or os.environ.get("PARLEY_CI"):
        pytest.fail(f"{what} is missing, and continuous integration must have it")
    pytest.skip(f"{what} is missing")


def program(*names: str) -> str:
    """Path of the first of these programs that exists; see ``require``."""
    for name in names:
        if found := shutil.which(name):
            return found
    require(None, " or ".join(names))
    raise AssertionError("unreachable")


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A real, private Redis for the run, started as ``manage.py up`` starts it."""
    process = subprocess.Popen(redis_server.command(REDIS_URL), stdout=subprocess.DEVNULL)
    try:
        _await_redis(process)
        yield REDIS_URL
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def redis_client(redis_url: str) -> Iterator[redis.Redis]:
    """A connection to the run's Redis, which is emptied before the test."""
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
        yield client


@pytest.fixture
def unserved_redis(redis_client: redis.Redis, settings: Any) -> Iterator[redis.Redis]:
    """An empty database of the run's Redis, made Django's, in which no worker of the run beats."""
    settings.REDIS_URL = REDIS_URL.replace("db=0", "db=1")
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        yield client


def _await_redis(process: subprocess.Popen[bytes]) -> None:
    with redis.Redis.from_url(REDIS_URL) as client:
        for _ in range(200):
            try:
                client.ping()
            except redis.ConnectionError:
                if process.poll() is not None:
                    break
                time.sleep(0.05)
            else:
                return
    raise RuntimeError("the tests' Redis does not start")


@pytest.fixture(scope="session")
def subprocess_env(redis_url: str) -> dict[str, str]:
    """The environment for a real process (a worker, daphne) that shares this run's Redis, data
    folder and test database. A test that uses it needs ``django_db(transaction=True)``."""
    from django.db import connections

    env = os.environ | {"REDIS_URL": redis_url, "DJANGO_SETTINGS_MODULE": "voiceproject.settings"}
    database = connections["default"].settings_dict
    if database["ENGINE"].endswith("sqlite3"):
        env["DATABASE_URL"] = f"sqlite:///{database['TEST']['NAME']}"
    else:
        base = os.environ["DATABASE_URL"].rpartition("/")[0]
        name = database["TEST"].get("NAME") or f"test_{database['NAME'].removeprefix('test_')}"
        env["DATABASE_URL"] = f"{base}/{name}"
    return env

"""Makes a private place for a test run before Django loads: data folder, Redis, database.

Loaded by ``-p`` (pyproject.toml), so that it comes before pytest-django. Nothing of the
developer's own environment or .env leaks into a run, but for DATABASE_URL.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import redis
from django.utils import translation
from hypothesis import HealthCheck
from hypothesis import settings as property_tests

from interaction.providers import registry
from voiceproject import redis_server
from voiceproject.environment import with_variables
from voiceproject.testing import distribution

# /tmp rather than the platform's folder: a socket's path must be short.
RUN_DIR = Path(tempfile.mkdtemp(prefix="parley-test-", dir="/tmp"))
REDIS_URL = redis_server.socket_url(RUN_DIR)
SHARED_DIR = Path(os.environ.setdefault("PARLEY_TEST_SHARED_DIR", str(RUN_DIR)))
"""Of the process that started the workers of xdist: for what is made once for all of them."""


def _isolate() -> None:
    for name in with_variables(registry.current().variables()).model_fields:
        if name != "database_url":
            os.environ.pop(name.upper(), None)
    os.environ["PARLEY_ENV_FILE"] = os.devnull
    os.environ["PARLEY_DATA_DIR"] = str(RUN_DIR)
    os.environ["XDG_STATE_HOME"] = str(RUN_DIR / "state")
    os.environ["REDIS_URL"] = REDIS_URL
    # Live tests look at the database from within a running loop.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    # A run starts Python a few hundred times, and compiles the project for the first alone.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    atexit.register(shutil.rmtree, RUN_DIR, ignore_errors=True)


_isolate()

# How long an example takes says how busy the machine is, and nothing about the code.
property_tests.register_profile(
    "parley", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
property_tests.load_profile("parley")


MEANS = {
    "process": {"processes"},
    "db": {"db", "transactional_db", "django_db_setup"},
    "redis": {"redis_url"},
    "worker": {"_worker"},
    "installation": {"install"},
    "browser": {"browsing", "browsing_firefox"},
}
"""What a test needs beside its process, as the marker says it, and the fixtures that give it: who
uses one of them, through however many others, is marked. A test that needs none is ``unit``."""
_started: list[str] | None = None
"""The programs that the unit test started which runs at the moment."""


@pytest.hookimpl(trylast=True)  # after pytest-django has set Django up
def pytest_configure() -> None:
    from voiceproject.testing import once

    once.apply()


@pytest.hookimpl(tryfirst=True)  # before -m leaves tests out
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        for name in _means(item) or ["unit"]:
            item.add_marker(name)
    if "bench" not in config.getoption("markexpr"):
        measuring = [item for item in items if item.get_closest_marker("bench")]
        config.hook.pytest_deselected(items=measuring)
        items[:] = [item for item in items if item not in measuring]
    if hasattr(config, "workerinput"):
        distribution.dearest_first(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    if config.getoption("dist") != "loadfile":
        return None
    return distribution.SharedInstallations(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    global _started
    _started = [] if item.get_closest_marker("unit") else None
    uncounted = any(item.get_closest_marker(name) for name in ("uncounted", "browser"))
    with _not_traced() if uncounted else contextlib.nullcontext():
        try:
            return (yield)
        finally:
            _started = None
            translation.deactivate()  # the language of a request outlasts it


@contextlib.contextmanager
def _not_traced() -> Iterator[None]:
    """Coverage follows nothing meanwhile; a debugger does.

    pytest-cov's own ``no_cover`` stops one coverage and wakes another in a worker of xdist. What a
    browser talks to is an installation, which is never counted: so coverage need not follow
    Playwright's greenlets, which would cost every other test a fifth of its time.
    """
    tracer = sys.gettrace()
    if not type(tracer).__module__.startswith("coverage"):
        yield
        return
    sys.settrace(None)
    try:
        yield
    finally:
        sys.settrace(tracer)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Generator[None, object, object]:
    outcome = yield
    if _started:
        pytest.fail(f"is no unit test, but asks for no fixture that says so: started {_started}")
    return outcome


def _note_process(event: str, details: tuple[Any, ...]) -> None:
    if event == "subprocess.Popen" and _started is not None:
        program = Path(os.fsdecode(details[0])).name
        if program != "uname":  # Python's own ``platform`` asks it, for a provider's client
            _started.append(program)


sys.addaudithook(_note_process)


def _means(item: pytest.Item) -> list[str]:
    fixtures = set(getattr(item, "fixturenames", ()))
    if item.get_closest_marker("django_db"):  # pytest-django asks for the fixture while it runs
        fixtures.add("db")
    return [name for name, givers in MEANS.items() if fixtures & givers]


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
def processes() -> None:
    """Asked for by who starts programs, or engines in processes of their own."""


@pytest_asyncio.fixture
async def no_leaked_tasks() -> AsyncIterator[None]:
    """Fails the test where a task that it started is still there at its end."""
    before = asyncio.all_tasks()
    yield
    leaked = asyncio.all_tasks() - before - {asyncio.current_task()}
    for task in leaked:
        task.cancel()
    await asyncio.gather(*leaked, return_exceptions=True)
    assert not leaked, f"left behind: {[task.get_name() for task in leaked]}"


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
def subprocess_env(redis_url: str, django_db_setup: None) -> dict[str, str]:
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

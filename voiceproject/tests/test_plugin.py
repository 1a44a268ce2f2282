"""Tests whose means are missing are skipped on a person's machine, and fail where they must not."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from voiceproject.environment import BASE_DIR
from voiceproject.testing import distribution
from voiceproject.testing.plugin import MEANS, program, require


def test_files_that_use_one_installation_share_a_worker() -> None:
    folder = BASE_DIR / distribution.INSTALLATION
    named = [name for names in distribution.TOGETHER.values() for name in names]
    using_shared_ones = [
        path.stem for path in folder.glob("test_*.py") if "install: Install" not in path.read_text()
    ]
    assert set(using_shared_ones) <= set(named), "distribution.TOGETHER names them"
    assert all((folder / f"{name}.py").exists() for name in named)


def test_what_is_present_is_fine() -> None:
    require("something", "it")
    assert program("absent-for-sure", "sh").endswith("/sh")


def test_what_is_missing_skips_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv("PARLEY_CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="absent-for-sure is missing"):
        program("absent-for-sure")


@pytest.mark.parametrize("name", ["CI", "PARLEY_CI"])
def test_what_is_missing_fails_in_continuous_integration(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "1")
    with pytest.raises(pytest.fail.Exception, match="absent-for-sure is missing"):
        program("absent-for-sure")


CONFTEST = """
import json

def pytest_collection_finish(session):
    for item in session.items:
        print("marked", json.dumps([item.name, [mark.name for mark in item.iter_markers()]]))
"""
SUITE = """
import asyncio, subprocess
import pytest
from voiceproject import redis_server
from voiceproject.testing.plugin import RUN_DIR

def test_unit(monkeypatch, tmp_path):
    assert not redis_server.socket_path(RUN_DIR).exists()
    assert not list(RUN_DIR.glob("*.sqlite3"))

def test_unit_that_is_none():
    subprocess.run(["true"], check=True)

async def test_unit_that_leaks(no_leaked_tasks):
    asyncio.create_task(asyncio.Event().wait(), name="a lost one")

def test_process(processes): ...
def test_db(db): ...
def test_db_in_earnest(transactional_db): ...

@pytest.mark.django_db
def test_db_by_a_mark(): ...

@pytest.fixture
def mine(redis_client): ...

def test_redis(mine): ...
def test_worker(worker): ...
def test_installation(install): ...
def test_browser(install, browsing): ...
"""


@pytest.fixture
def run_suite(tmp_path: Path, processes: None) -> Callable[..., str]:
    """``run_suite(*arguments)``: what a pytest of its own, with the project's plugins, prints."""
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_suite.py").write_text(SUITE)

    def run(*arguments: str) -> str:
        config = ("-c", str(BASE_DIR / "pyproject.toml"), "-p", "no:cacheprovider")
        command = [sys.executable, "-m", "pytest", *config, "-q", "-s", *arguments, str(tmp_path)]
        done = subprocess.run(command, cwd=BASE_DIR, capture_output=True, text=True, check=False)
        assert done.stderr == ""
        return done.stdout

    return run


def marks(output: str) -> dict[str, set[str]]:
    """Our markers of each test that was not left out."""
    lines = [line.partition("marked ")[2] for line in output.splitlines()]
    found = [json.loads(line) for line in lines if line]
    return {name: {*marks} & {"unit", *MEANS} for name, marks in found}


def test_a_test_is_marked_by_the_fixtures_that_it_uses_through_others_too(
    run_suite: Callable[..., str],
) -> None:
    found = marks(run_suite("--collect-only"))
    for kind in ("unit", "process", "db", "redis", "installation"):
        assert found[f"test_{kind}"] == {kind}
    assert "db" in found["test_db_in_earnest"]
    assert found["test_worker"] == {"worker", "redis", "db"}
    assert found["test_browser"] == {"browser", "installation"}


def test_unit_tests_start_neither_redis_nor_database_and_fail_where_they_start_a_process(
    run_suite: Callable[..., str],
) -> None:
    output = run_suite("-m", "unit")
    assert {*marks(output)} == {"test_unit", "test_unit_that_is_none", "test_unit_that_leaks"}
    assert "3 passed, 8 deselected, 2 errors" in output
    assert "started ['true']" in output
    assert "left behind: ['a lost one']" in output

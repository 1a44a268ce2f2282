"""Fixtures for tests of the edges and of REST: the scripted engine answers, and sockets to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest
from django.contrib.auth.models import User
from django.test import override_settings

from interaction.tests.edges.client import Client
from interaction.tests.fakes.scripted_engine import ScriptedEngine
from voiceproject.testing.web import WebServer

__all__ = ["_web", "connect", "engines", "owner", "scripted", "web"]


@pytest.fixture(autouse=True)
def scripted() -> Iterator[None]:
    """No provider and no worker: the scripted engine answers."""
    path = f"{ScriptedEngine.__module__}.{ScriptedEngine.__qualname__}"
    ScriptedEngine.made.clear()
    ScriptedEngine.asked_to_hold = asyncio.Event()
    with override_settings(PARLEY_ENGINES={"cascade": path, "realtime": path}):
        yield
    assert not ScriptedEngine.live, "an engine was left open"


@pytest.fixture
def engines() -> list[ScriptedEngine]:
    """Those of this test's sessions, in their order."""
    return ScriptedEngine.made


@pytest.fixture
def owner(transactional_db: None, owner: User) -> User:
    """Sessions read and write in other threads."""
    return owner


@pytest.fixture
def connect(token: str) -> Callable[[], Client]:
    """``async with connect() as client``: a program's socket, let in."""
    return lambda: Client("/api/v1/orchestrator/ws", authorization=f"Bearer {token}")


@pytest.fixture(scope="session")
def _web(subprocess_env: dict[str, str]) -> Iterator[WebServer]:
    settings = "interaction.tests.fakes.scripted_settings"
    server = WebServer(subprocess_env, DJANGO_SETTINGS_MODULE=settings)
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
def web(transactional_db: None, _web: WebServer) -> WebServer:
    """A real daphne that answers by the scripted engine, on the test database."""
    return _web

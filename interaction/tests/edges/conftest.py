from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client as Browser
from django.test import override_settings

from interaction.models import ApiToken
from interaction.tests.edges.client import Client
from interaction.tests.scripted_engine import ScriptedEngine


@pytest.fixture(autouse=True)
def scripted() -> Iterator[None]:
    """No provider and no worker: the scripted engine answers."""
    path = f"{ScriptedEngine.__module__}.{ScriptedEngine.__qualname__}"
    ScriptedEngine.made.clear()
    with override_settings(PARLEY_ENGINE=path):
        yield
    assert not ScriptedEngine.live, "an engine was left open"


@pytest.fixture
def engines() -> list[ScriptedEngine]:
    """Those of this test's sessions, in their order."""
    return ScriptedEngine.made


@pytest.fixture
def owner(transactional_db: None, django_user_model: Any) -> Any:
    return django_user_model.objects.create_user("owner")


@pytest.fixture
def stranger(transactional_db: None, django_user_model: Any) -> Any:
    return django_user_model.objects.create_user("stranger")


@pytest.fixture
def token(owner: Any) -> str:
    return ApiToken.make(owner)


@pytest.fixture
def cookie(owner: Any) -> str:
    """The cookie of a browser in which ``owner`` has signed in."""
    browser = Browser()
    browser.force_login(owner)
    return "; ".join(f"{name}={morsel.value}" for name, morsel in browser.cookies.items())


@pytest.fixture
def connect(token: str) -> Callable[[], Client]:
    """``async with connect() as client``: a program's socket, let in."""
    return lambda: Client("/api/v1/orchestrator/ws", authorization=f"Bearer {token}")

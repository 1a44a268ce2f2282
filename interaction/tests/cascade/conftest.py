from __future__ import annotations

from collections.abc import Callable

import pytest

from interaction.core.engine import SessionSpec
from interaction.tests.cascade.caller import spec
from interaction.tests.fakes.publishing import FakePublisher


@pytest.fixture
def session(opened: Callable[[SessionSpec], SessionSpec]) -> Callable[..., SessionSpec]:
    """``session(**changes)``: a session that is in the database, and what an engine knows of it."""
    return lambda **changes: opened(spec(**changes))


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> FakePublisher:
    """What the engines of this process publish: it reaches no worker."""
    fake = FakePublisher()
    monkeypatch.setattr("interaction.bus.watched_publisher.publisher", lambda: fake)
    return fake

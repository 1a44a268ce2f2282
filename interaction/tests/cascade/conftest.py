from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth import get_user_model

from interaction.core.engine import SessionSpec
from interaction.models import Session
from interaction.tests.cascade.caller import spec
from interaction.tests.cascade.fakes import FakePublisher


@pytest.fixture
def session(transactional_db: None) -> Callable[..., SessionSpec]:
    """``session(**changes)``: a session that is in the database, and what an engine knows of it."""

    def make(**changes: object) -> SessionSpec:
        made = spec(**changes)
        owner, _ = get_user_model().objects.get_or_create(username="caller")
        Session.objects.create(
            pk=made.session_id, owner=owner, recording=made.recording, status=Session.Status.ACTIVE
        )
        return made

    return make


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> FakePublisher:
    """What the engines of this process publish: it reaches no worker."""
    fake = FakePublisher()
    monkeypatch.setattr("interaction.bus.watched_publisher.publisher", lambda: fake)
    return fake

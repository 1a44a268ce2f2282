from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from interaction.models import Session, Turn, TurnLatency


@pytest.fixture
def talked(owner: User) -> Callable[..., Session]:
    """``talked(turns=2, **fields)``: a conversation of 65 s that ended."""

    def talk(*, turns: int = 1, **fields: Any) -> Session:
        now = timezone.now()
        session = Session.objects.create(
            owner=owner,
            status=Session.Status.ENDED,
            started_at=now - timedelta(seconds=65),
            ended_at=now,
            **fields,
        )
        for sequence in range(1, turns + 1):
            add_turn(session, sequence=sequence)
        return session

    return talk


def add_turn(session: Session, **fields: Any) -> Turn:
    """A turn that was played to its end, unless ``fields`` says otherwise."""
    known: dict[str, Any] = {
        "id": uuid.uuid4(),
        "sequence": 1,
        "transcript": "my name is john",
        "reply": "Hello John. Nice to meet you.",
        "heard_text": "Hello John. Nice to meet you.",
        "end_reason": Turn.EndReason.PLAYED,
        "started_at": timezone.now(),
    }
    turn = Turn.objects.create(session=session, **known | fields)
    TurnLatency.objects.create(turn=turn, end_of_turn_delay=600, e2e=900, ear=950)
    return turn

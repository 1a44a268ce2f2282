"""The summary of a session follows from its rows, whichever way they were written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User

from history import summaries
from history.models import SessionSummary
from history.tests.conftest import add_turn
from interaction.models import Session, Turn, TurnLatency

pytestmark = [pytest.mark.unit, pytest.mark.django_db]


def facts(session: Session) -> dict[str, Any]:
    return dict(SessionSummary.objects.values().get(pk=session.pk))


def test_a_session_without_turns_has_no_figures(owner: User) -> None:
    session = Session.objects.create(owner=owner)
    row = facts(session)
    assert row["silent"] is True
    assert row["status"] == "created"
    assert (row["turn_count"], row["p50_ms"], row["p95_ms"], row["totals"]) == (0, None, None, [])


def test_start_and_end_are_followed(owner: User) -> None:
    session = Session.objects.create(owner=owner)
    Session.start(session.pk)
    assert facts(session)["status"] == "active"
    Session.end(session.pk, "ended_by_client")
    assert facts(session)["status"] == "ended"


def test_counts_and_percentiles_are_those_of_the_turns(talked: Callable[..., Session]) -> None:
    session = talked(turns=0)
    totals = [812.5, None, 1450.0, 640.25]
    for sequence, ear in enumerate(totals, 1):
        turn = add_turn(session, sequence=sequence, interrupted=sequence == 2)
        TurnLatency(turn=turn, ear=ear).save()
    failed = add_turn(session, sequence=5, transcript="", reply="", error={"code": "no_reply"})
    TurnLatency.objects.filter(turn=failed).delete()
    failed.save()
    row = facts(session)
    known = [total for total in totals if total is not None]
    assert row["totals"] == totals
    assert row["p50_ms"] == pytest.approx(np.percentile(known, 50))
    assert row["p95_ms"] == pytest.approx(np.percentile(known, 95))
    assert (row["turn_count"], row["interrupted_count"], row["failed_count"]) == (5, 1, 1)
    assert row["silent"] is False


def test_the_opening_is_the_first_thing_that_was_said(talked: Callable[..., Session]) -> None:
    session = talked(turns=0)
    add_turn(session, sequence=1, transcript="", reply="Hello!")
    add_turn(session, sequence=3, transcript="later")
    add_turn(session, sequence=2, transcript="天氣" * 200)
    assert facts(session)["opening"] == "天氣" * 100


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("cascade", {"stt": "openai", "stt_model": "whisper", "llm": "demo", "realtime": ""}),
        ("realtime", {"stt": "", "llm": "", "realtime": "gemini", "realtime_model": "live"}),
    ],
)
def test_providers_are_those_of_the_mode(
    talked: Callable[..., Session], mode: str, expected: dict[str, str]
) -> None:
    providers = {
        "stt": {"name": "openai", "model": "whisper"},
        "llm": {"name": "demo"},
        "realtime": {"name": "gemini", "model": "live"},
    }
    row = facts(talked(mode=mode, settings={"providers": providers}))
    assert {name: row[name] for name in expected} == expected


def test_a_deleted_turn_is_not_counted(talked: Callable[..., Session]) -> None:
    session = talked(turns=3)
    session.turns.get(sequence=2).delete()
    assert facts(session)["turn_count"] == 2
    Turn.objects.filter(session=session, sequence=3).delete()
    assert facts(session)["turn_count"] == 1


def test_a_deleted_session_takes_its_summary_along(talked: Callable[..., Session]) -> None:
    talked(turns=2).delete()
    assert SessionSummary.objects.count() == 0


def test_sessions_written_in_bulk_are_summed_up_later(
    owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(summaries, "BATCH", 2)
    sessions = Session.objects.bulk_create(Session(owner=owner) for _ in range(5))
    assert summaries.add_missing() == 5
    assert summaries.add_missing() == 0
    assert set(SessionSummary.objects.values_list("pk", flat=True)) == {s.pk for s in sessions}

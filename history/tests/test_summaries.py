"""The summary of a session follows from its rows, whichever way they were written."""

from __future__ import annotations

import time
from collections.abc import Callable
from random import Random
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from django.contrib.auth.models import User

from history import summaries
from history.models import SessionSummary, SessionWords
from history.tests.conftest import add_turn
from interaction.models import Session, Turn, TurnLatency
from interaction.turn_records import archive
from interaction.turn_records.note_fields import TurnNotesContent, TurnOpening

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


SAID = ["", "…", "Where is the café?", "再多說一點天氣", "no", "Ελλάδα! ok", " a  b ", "12-34"]


@pytest.mark.parametrize("seed", range(6))
def test_what_one_turn_changes_is_what_summing_up_anew_says(
    talked: Callable[..., Session], monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr("history.search.LONGEST_STREAM", 250)
    random, session = Random(seed), talked(turns=0)
    for step in range(25):
        turns = list(session.turns.all())
        match random.choice(["add", "add", "words", "number", "latency", "title", "delete"]):
            case "words" if turns:
                turn = random.choice(turns)
                turn.transcript, turn.reply = random.choices(SAID, k=2)
                turn.error = random.choice([None, {"code": "no_reply"}])
                turn.save()
            case "number" if turns:
                turn = random.choice(turns)
                turn.sequence = 100 + step
                turn.save()
            case "latency" if turns:
                TurnLatency(turn=random.choice(turns), e2e=random.choice([None, 5.0 * step])).save()
            case "delete" if turns:
                random.choice(turns).delete()
            case "title":
                session.title = random.choice(SAID)
                session.save()
            case _:
                words = {"transcript": random.choice(SAID), "reply": random.choice(SAID)}
                add_turn(session, sequence=200 + step, **words)
        kept = (facts(session), SessionWords.objects.values().get(session=session))
        summaries.refresh([session.pk])
        assert kept == (facts(session), SessionWords.objects.values().get(session=session))


def test_a_turn_is_archived_with_one_look_at_its_session(
    talked: Callable[..., Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    session, turn = talked(turns=1), uuid4()
    seen: list[Any] = []
    write = summaries.write
    monkeypatch.setattr(summaries, "write", lambda *args, **more: seen.append(write(*args, **more)))
    opening = TurnOpening(session.pk, 2, "speech", "cascade", time.time(), recording=False)
    for times, e2e in enumerate((800.0, 1200.0), 1):
        content = TurnNotesContent(opening=opening, transcript="hello", metrics={"e2e": e2e})
        archive._store(turn, content, opening, archive.Recording(b"", [], []))
        assert len(seen) == times
        assert TurnLatency.objects.get(pk=turn).e2e == e2e
        assert facts(session)["totals"] == [950.0, e2e]

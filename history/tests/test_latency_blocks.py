"""The packed latencies say what the rows say, whatever happens to these."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User

from history import summaries
from history.deletion import erase
from history.filters import SessionFilter
from history.latency import blocks, columns
from history.models import LatencyBlock, LatencyMember
from history.served import STAGES, served_by
from history.tests.random_archive import add_sessions, random_latency, random_settings, random_turn
from interaction.core.metrics import METRICS
from interaction.models import Session, Turn, TurnLatency

pytestmark = [pytest.mark.unit, pytest.mark.django_db]
Facts = tuple[Any, ...]


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK_SIZE", 4)


def packed(owner: User, **wanted: Any) -> list[Facts]:
    """Every turn that the columns hold."""
    found = columns.select(owner, SessionFilter(**wanted))
    measures = [found.measures[name].optional() for name in columns.MEASURES]
    turns = zip(
        found.sessions[found.session].tolist(),
        found.started.tolist(),
        (found.servers[number] for number in found.served),
        found.first.tolist(),
        (found.flags & (blocks.INTERRUPTED | blocks.FAILED)).tolist(),
        *measures,
        strict=True,
    )
    return in_order(turns)


def of_rows(owner: User, **wanted: Any) -> list[Facts]:
    """The same, read off the rows one by one."""
    return in_order(
        facts(session, turn, first=place == 0)
        for session in Session.objects.filter(owner=owner, **wanted)
        for place, turn in enumerate(session.turns.select_related("latency").order_by("sequence"))
    )


def facts(session: Session, turn: Turn, *, first: bool) -> Facts:
    latency = getattr(turn, "latency", None)
    known = latency.by_metric() if latency else dict.fromkeys(metric.name for metric in METRICS)
    by_stage = served_by(session.settings, turn.mode, turn.kind, turn.fallbacks)
    return (
        session.pk.bytes.rstrip(b"\0"),
        turn.started_at.timestamp(),
        (turn.mode, *(name for stage in STAGES for name in by_stage.get(stage, ("", "")))),
        first,
        2 * turn.interrupted + 4 * (turn.error is not None),
        *known.values(),
        known["e2e"] if known["ear"] is None else known["ear"],
    )


def in_order(turns: Any) -> list[Facts]:
    return sorted(turns, key=lambda turn: tuple((value is not None, value) for value in turn))


def any_of(rows: Any, random: Random) -> Any:
    found = list(rows.order_by("pk"))
    return random.choice(found) if found else None


def bulk(owner: User, random: Random) -> None:
    add_sessions(owner, random, random.randint(1, 7), turns=3)


def archived(owner: User, random: Random) -> None:
    """A turn comes to a session, as ``archive`` writes it."""
    if session := any_of(Session.objects.filter(owner=owner), random):
        last = session.turns.order_by("-sequence").first()
        turn = random_turn(session, (last.sequence if last else 0) + random.randint(1, 2), random)
        turn.save()
        if latency := random_latency(turn, random):
            latency.save()


def measured_later(owner: User, random: Random) -> None:
    if turn := any_of(Turn.objects.filter(session__owner=owner), random):
        values = {"ear": random.uniform(100, 2000), "yield_ms": None}
        TurnLatency.objects.update_or_create(turn=turn, defaults=values)


def turn_changed(owner: User, random: Random) -> None:
    if turn := any_of(Turn.objects.filter(session__owner=owner), random):
        turn.interrupted = not turn.interrupted
        turn.fallbacks = [{"stage": "tts", "failed": "x", "code": "y", "provider": "z"}]
        turn.save()


def turn_deleted(owner: User, random: Random) -> None:
    if turn := any_of(Turn.objects.filter(session__owner=owner), random):
        turn.delete()


def session_changed(owner: User, random: Random) -> None:
    if session := any_of(Session.objects.filter(owner=owner), random):
        session.settings = random_settings(random)
        session.save()


def session_erased(owner: User, random: Random) -> None:
    if session := any_of(Session.objects.filter(owner=owner), random):
        erase([session.pk])


def sessions_deleted(owner: User, random: Random) -> None:
    sessions = Session.objects.filter(owner=owner)
    keys = list(sessions.order_by("pk").values_list("pk", flat=True))
    sessions.filter(pk__in=random.sample(keys, len(keys) // 3)).delete()


def process_started(owner: User, random: Random) -> None:
    columns._kept.clear()


def nothing(owner: User, random: Random) -> None: ...


OPERATIONS: list[Callable[[User, Random], None]] = [
    bulk,
    archived,
    archived,
    archived,
    measured_later,
    turn_changed,
    turn_deleted,
    session_changed,
    session_erased,
    sessions_deleted,
    process_started,
    nothing,
]


@pytest.mark.parametrize("seed", range(4))
def test_they_follow_the_rows(owner: User, stranger: User, seed: int) -> None:
    random = Random(seed)
    add_sessions(stranger, random, 3)
    bulk(owner, random)
    for step in range(40):
        operation = random.choice(OPERATIONS)
        operation(owner, random)
        if random.random() < 0.6:  # or several changes between two looks
            assert packed(owner) == of_rows(owner), (step, operation)
            assert packed(owner, mode="cascade") == of_rows(owner, mode="cascade")
    assert packed(owner) == of_rows(owner)
    assert packed(stranger) == of_rows(stranger)


def test_a_change_while_they_are_packed_is_seen_the_next_time(
    owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_sessions(owner, Random(1), 6)
    read = blocks.records

    def interrupted(sessions: Any, served: Any) -> Any:
        turns = read(sessions, served)
        monkeypatch.setattr(blocks, "records", read)
        archived(owner, Random(2))  # another process, after these rows were read
        return turns

    monkeypatch.setattr(blocks, "records", interrupted)
    packed(owner)
    assert packed(owner) == of_rows(owner)


def test_what_another_process_packed_is_not_packed_again(
    owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_sessions(owner, Random(1), 6)
    packed(owner)
    process_started(owner, Random())
    monkeypatch.setattr(blocks, "records", None)
    assert packed(owner) == of_rows(owner)


def test_an_older_layout_is_read_anew(owner: User) -> None:
    add_sessions(owner, Random(1), 6)
    packed(owner)
    LatencyBlock.objects.update(layout="before", data=b"something else")
    process_started(owner, Random())
    assert packed(owner) == of_rows(owner)


def test_nothing_of_a_deleted_session_stays(owner: User) -> None:
    sessions = add_sessions(owner, Random(1), 6)
    packed(owner)
    Session.objects.filter(owner=owner).delete()
    assert packed(owner) == []
    kept = b"".join(LatencyBlock.objects.values_list("data", flat=True))
    assert not any(session.pk.bytes in kept for session in sessions)
    assert not LatencyMember.objects.exists()


def test_they_go_with_their_owner(owner: User) -> None:
    add_sessions(owner, Random(1), 6)
    packed(owner)
    owner.delete()
    assert not LatencyBlock.objects.exists()


def test_sessions_that_nobody_summed_up_are_packed_too(owner: User) -> None:
    add_sessions(owner, Random(1), 6)
    LatencyMember.objects.all().delete()
    assert packed(owner) == []
    summaries.add_missing()
    assert packed(owner) == of_rows(owner)


def test_memory_is_bounded(owner: User, stranger: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "MEMORY", 1)
    for person in (owner, stranger):
        add_sessions(person, Random(person.pk), 3)
        assert packed(person) == of_rows(person)
        assert list(columns._kept) == [person.pk]


def test_ids_that_share_a_half_are_told_apart() -> None:
    ids = np.array([b"a" * 8 + b"b" * 8, b"a" * 8 + b"c" * 8, b"d" * 16], "S16")
    for wanted in (ids[:1], ids[1:2], ids[:2], ids[1:], ids[:0], ids):
        assert columns._Ids(ids).among(wanted).tolist() == [one in wanted for one in ids]


@pytest.mark.parametrize("count", [0, 1, 2, 500])
def test_those_that_are_looked_up_are_found_whatever_else_is_asked_for(count: int) -> None:
    rng = np.random.default_rng(count)
    ids, others = (
        rng.integers(1, 255, (size, 16), np.uint8).view("S16").ravel() for size in (count, 50)
    )
    for share in (0.0, 0.5, 1.0):
        wanted = np.concatenate([ids[rng.random(count) < share], others])
        rng.shuffle(wanted)
        assert (columns._Ids(ids).among(wanted) == np.isin(ids, wanted)).all()
        assert not columns._Ids(ids).among(wanted[:0]).any()

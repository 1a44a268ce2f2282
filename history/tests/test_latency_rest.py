"""The figures over REST are those of the turns that REST gives, worked out by numpy."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.test import Client

from history.tests.random_archive import BEGINS, add_sessions
from interaction.core.metrics import METRIC_NAMES
from interaction.models import Session, Turn, TurnLatency
from interaction.tests.edges.client import validator

SESSIONS = "/api/v1/interaction/sessions"
STATS = f"{SESSIONS}/latency-stats"


def turns_over_rest(browser: Client, **wanted: str) -> list[list[dict[str, Any]]]:
    """The turns of each session that fits, by sequence."""
    found = browser.get(SESSIONS, {"page_size": "200", **wanted}).json()["items"]
    return [browser.get(f"{SESSIONS}/{one['id']}/turns").json() for one in found]


def total(turn: dict[str, Any]) -> float | None:
    ear: float | None = turn["latency"]["ear"]
    return turn["latency"]["e2e"] if ear is None else ear


def check(metrics: dict[str, Any], sessions: list[list[dict[str, Any]]]) -> None:
    """``metrics`` are those of the turns. Which of them come first in their session: ``first``."""
    assert set(metrics) == {*METRIC_NAMES, "total"}
    for name, got in metrics.items():
        by_session = [
            [
                (turn["sequence"], total(turn) if name == "total" else turn["latency"][name])
                for turn in turns
            ]
            for turns in sessions
        ]
        known = [ms for turns in by_session for _, ms in turns if ms is not None]
        assert got["count"] == len(known)
        if known:
            p50, p95 = np.percentile(known, [50, 95])
            assert got["avg"] == pytest.approx(np.mean(known))
            assert (got["min"], got["max"]) == (min(known), max(known))
            assert (got["p50"], got["p95"]) == (p50, p95)
        else:
            assert {got[figure] for figure in ("avg", "min", "max", "p50", "p95")} == {None}
        first = [
            ms for turns in by_session for sequence, ms in turns if sequence == 1 and ms is not None
        ]
        assert got["first_turns"] == {
            "count": len(first),
            "p50": np.median(first) if first else None,
        }


@pytest.fixture
def archive(owner: User, stranger: User) -> list[Session]:
    add_sessions(stranger, Random(2), 5)
    return add_sessions(owner, Random(1), 40)


FILTERS: list[dict[str, str]] = [
    {},
    {"mode": "realtime"},
    {"mode": "cascade", "since": "2026-05-01"},
    {"until": f"{BEGINS:%Y-%m-%d}"},
    {"text": "weather", "until": "2026-06-01"},
    {"status": "active"},
]


@pytest.mark.parametrize("wanted", FILTERS)
def test_figures_over_a_selection(
    at_home: Client, archive: list[Session], wanted: dict[str, str]
) -> None:
    got = at_home.get(STATS, wanted).json()
    validator("latency_stats").validate(got)
    sessions = [turns for turns in turns_over_rest(at_home, **wanted) if turns]
    turns = [turn for of_session in sessions for turn in of_session]
    assert (got["sessions"], got["turns"]) == (len(sessions), len(turns))
    assert got["interrupted"] == sum(turn["agent_message"]["interrupted"] for turn in turns)
    assert got["failed"] == sum(turn["task"]["error"] is not None for turn in turns)
    assert got["groups"] == []
    check(got["metrics"], sessions)


@pytest.mark.parametrize(
    ("by", "stage"),
    [
        ("mode", None),
        *(("provider", stage) for stage in ("stt", "llm", "tts", "realtime")),
        *(("model", stage) for stage in ("stt", "llm", "tts", "realtime")),
    ],
)
def test_groups_are_by_who_served_the_turn(
    at_home: Client, archive: list[Session], by: str, stage: str | None
) -> None:
    asked = {"group_by": by} | ({"stage": stage} if stage else {})
    got = at_home.get(STATS, asked).json()
    validator("latency_stats").validate(got)
    sessions = turns_over_rest(at_home)

    def served(turn: dict[str, Any]) -> dict[str, Any] | None:
        if by == "mode":
            return {"mode": turn["mode"], "provider": None, "model": None}
        for one in turn["task"]["stages"]:
            if one["stage"] == stage:
                model = one["model"] if by == "model" else None
                return {"mode": None, "provider": one["provider"], "model": model}
        return None

    known = [one for turns in sessions for turn in turns if (one := served(turn))]
    assert len(got["groups"]) == len({tuple(one.values()) for one in known}) > 1 - (stage == "x")
    for group in got["groups"]:
        label = {name: group[name] for name in ("mode", "provider", "model")}
        assert group["stage"] == stage
        assert group["turns"] == known.count(label)
        check(
            group["metrics"],
            [[turn for turn in turns if served(turn) == label] for turns in sessions],
        )


def test_figures_of_one_session(at_home: Client, archive: list[Session]) -> None:
    for session in archive[:12]:
        got = at_home.get(f"{SESSIONS}/{session.pk}/latency-stats").json()
        validator("latency_stats").validate(got)
        turns = at_home.get(f"{SESSIONS}/{session.pk}/turns").json()
        assert (got["sessions"], got["turns"]) == (bool(turns), len(turns))
        check(got["metrics"], [turns])


def test_of_nothing_nothing_is_known(at_home: Client) -> None:
    got = at_home.get(STATS).json()
    validator("latency_stats").validate(got)
    assert (got["sessions"], got["turns"]) == (0, 0)
    check(got["metrics"], [])


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        ({"groupby": "mode"}, 400, "unknown_parameter"),
        ({"page": "1"}, 400, "unknown_parameter"),
        ({"group_by": "voice"}, 422, "invalid_fields"),
        ({"group_by": "provider"}, 422, "invalid_fields"),
        ({"group_by": "model", "stage": "vad"}, 422, "invalid_fields"),
        ({"group_by": "mode", "stage": "stt"}, 422, "invalid_fields"),
        ({"stage": "stt"}, 422, "invalid_fields"),
        ({"since": "yesterday"}, 422, "invalid_fields"),
    ],
)
def test_what_makes_no_sense_is_refused(
    at_home: Client, asked: dict[str, str], status: int, code: str
) -> None:
    answer = at_home.get(STATS, asked)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    validator("api_error").validate(answer.json())


def test_nobody_sees_another_persons_figures(
    client: Client, elsewhere: Client, archive: list[Session]
) -> None:
    assert elsewhere.get(f"{SESSIONS}/{archive[0].pk}/latency-stats").status_code == 404
    assert elsewhere.get(STATS).json()["sessions"] < 6
    for path in (STATS, f"{SESSIONS}/{archive[0].pk}/latency-stats"):
        assert client.get(path).status_code == 401


@pytest.mark.parametrize("wanted", [{}, {"mode": "cascade", "group_by": "model", "stage": "llm"}])
def test_the_queries_are_the_same_however_many_turns_there_are(
    at_home: Client,
    owner: User,
    django_assert_max_num_queries: Callable[..., Any],
    wanted: dict[str, str],
) -> None:
    for count in (3, 60):
        add_sessions(owner, Random(count), count)
        at_home.get(STATS)  # packs what has changed
        with django_assert_max_num_queries(4):  # session, user, blocks, what fits the filter
            at_home.get(STATS, wanted)


def test_a_turn_that_is_not_measured_counts_as_a_turn(at_home: Client, owner: User) -> None:
    [session] = add_sessions(owner, Random(3), 1, turns=0)
    turn = Turn.objects.create(
        session=session, sequence=4, transcript="Hello.", started_at=session.created_at
    )
    other = Turn.objects.create(
        session=session, sequence=7, end_reason="played", started_at=session.created_at
    )
    TurnLatency.objects.create(turn=other, e2e=900.5)
    got = at_home.get(STATS).json()
    assert got["turns"] == 2
    assert got["metrics"]["total"]["count"] == 1
    assert got["metrics"]["total"]["first_turns"] == {"count": 0, "p50": None}
    TurnLatency.objects.create(turn=turn, e2e=100.25)
    got = at_home.get(STATS).json()["metrics"]["total"]
    assert (got["count"], got["p50"]) == (2, 500.375)
    assert got["first_turns"] == {"count": 1, "p50": 100.25}

"""The page *Latency* shows what REST gives, and draws what it shows."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from html import unescape
from random import Random
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from history.filters import SessionFilter
from history.latency import overview
from history.latency.columns import select
from history.latency.overview import overview_of
from history.tests.random_archive import add_sessions
from interaction.models import Session, Turn, TurnLatency

pytestmark = [pytest.mark.unit, pytest.mark.django_db]
PAGE = "/history/latency/"
SESSIONS = "/api/v1/interaction/sessions"
STATS = f"{SESSIONS}/latency-stats"
STAGES = {"stt": "transcription_delay", "llm": "llm_ttfs", "tts": "tts_ttfb", "realtime": "e2e"}


@pytest.fixture
def archive(owner: User, stranger: User) -> list[Session]:
    add_sessions(stranger, Random(2), 5)
    return add_sessions(owner, Random(1), 50)


def whole(ms: float | None) -> str:
    return "–" if ms is None else f"{round(ms):,}".replace(",", "\u202f")


def rows(page: str, attribute: str) -> dict[str, list[str]]:
    """Of the table rows that have ``data-<attribute>``: its value, and the row's figures."""
    found = re.findall(rf'<tr[^>]* data-{attribute}="([^"]*)"[^>]*>(.*?)</tr>', page, re.DOTALL)
    return {
        unescape(name): [
            unescape(cell) for cell in re.findall(r'<td class="figure">(.*?)</td>', row, re.DOTALL)
        ]
        for name, row in found
    }


def fact(page: str, name: str) -> str:
    found = re.search(rf'data-fact="{name}">([^<]*)<', page)
    assert found
    return found[1]


@pytest.mark.parametrize(
    "wanted", [{}, {"mode": "cascade"}, {"since": "2026-06-01", "text": "weather"}]
)
def test_its_figures_are_those_of_rest(
    at_home: Client, archive: list[Session], wanted: dict[str, str]
) -> None:
    page = at_home.get(PAGE, wanted).content.decode()
    stats = at_home.get(STATS, wanted).json()
    for name in ("sessions", "turns", "interrupted", "failed"):
        assert fact(page, name) == whole(stats[name])
    assert rows(page, "measure") == {
        name: [
            *(whole(one[figure]) for figure in ("p50", "p95", "avg", "min", "max")),
            str(one["count"]),
            whole(one["first_turns"]["p50"]),
        ]
        for name, one in stats["metrics"].items()
    }


@pytest.mark.parametrize("stage", STAGES)
def test_providers_and_models_side_by_side_are_those_of_rest(
    at_home: Client, archive: list[Session], stage: str
) -> None:
    page = at_home.get(PAGE).content.decode()
    table = re.search(rf'<table[^>]* data-versus="{stage}">.*?</table>', page, re.DOTALL)
    assert table
    shown = re.findall(r'data-served="([^"]*)" data-model="([^"]*)"', table[0])
    figures = re.findall(r'<td class="figure">(.*?)</td>', table[0])
    groups: dict[tuple[str, str], Any] = {}
    for by in ("provider", "model"):
        asked = {"group_by": by, "stage": stage}
        for group in at_home.get(STATS, asked).json()["groups"]:
            groups[group["provider"], group["model"] or ""] = group["metrics"][STAGES[stage]]
    assert len(shown) == len(set(shown))
    assert {provider for provider, _ in shown} == {provider for provider, _ in groups}
    for number, key in enumerate(shown):
        one = groups[key]
        low, high = one["p50_low"], one["p50_high"]
        interval = "–" if low is None else f"{whole(low)}–{whole(high)}"
        cells = [whole(one["p50"]), interval, whole(one["p95"]), str(one["count"])]
        assert figures[4 * number : 4 * number + 4] == cells
    above = [one for one, (_, model) in zip(shown, shown, strict=True) if not model]
    medians = [groups[one]["p50"] for one in above]
    assert medians == sorted(medians)


def test_modes_are_those_of_rest(at_home: Client, archive: list[Session]) -> None:
    shown = rows(at_home.get(PAGE).content.decode(), "served")
    for group in at_home.get(STATS, {"group_by": "mode"}).json()["groups"]:
        total = group["metrics"]["total"]
        assert shown[group["mode"]][0] == whole(total["p50"])
        assert shown[group["mode"]][3] == str(total["count"])


@pytest.mark.parametrize("time_zone", ["UTC", "Asia/Taipei", "America/St_Johns"])
@pytest.mark.parametrize("days", [20, 200, 900])
def test_totals_over_time_are_of_the_servers_days(
    owner: User, settings: Any, time_zone: str, days: int
) -> None:
    settings.TIME_ZONE = time_zone
    random = Random(days)
    begin = datetime(2024, 2, 20, 3, tzinfo=timezone.get_current_timezone())
    expected: dict[date, list[float]] = {}
    for session in add_sessions(owner, random, 30, turns=0):
        at = begin + timedelta(minutes=random.randrange(days * 1440))
        turn = Turn.objects.create(
            session=session, sequence=1, end_reason="played", started_at=at, transcript="Hello."
        )
        ms = random.uniform(300, 3000)
        TurnLatency.objects.create(turn=turn, ear=ms)
        day = timezone.localtime(at).date()
        period = {
            20: day,
            200: day - timedelta(day.weekday()),
            900: day.replace(day=1),
        }[days]
        expected.setdefault(period, []).append(ms)
    found = overview_of(select(owner, SessionFilter())).over_time
    assert found
    assert found.period == {20: "day", 200: "week", 900: "month"}[days]
    assert found.points[0].begins == min(expected)
    assert found.points[-1].begins == max(expected)
    for point in found.points:
        known = expected.pop(point.begins, [])
        assert point.figures.count == len(known)
        if known:
            assert (point.figures.p50, point.figures.p95) == tuple(np.percentile(known, [50, 95]))
    assert not expected


def test_a_distribution_counts_every_turn_once(owner: User, archive: list[Session]) -> None:
    columns = select(owner, SessionFilter())
    found = overview_of(columns).distribution
    assert found
    for one in found.histograms:
        known = [ms for ms in columns.measures[one.name].optional() if ms is not None]
        counts = [sum(low <= ms < high for ms in known) for low, high in found.bins]
        assert list(one.counts) == counts
        assert one.longer == len(known) - sum(counts)
        assert len(one.bars) == sum(count > 0 for count in counts)


def test_periods_are_as_many_as_can_be_told_apart() -> None:
    for days in (1, 2, 45, 46, 200, 315, 316, 1200):
        begin = date(2025, 12, 30)
        name, periods = overview._periods(begin, begin + timedelta(days - 1))
        assert periods[0] <= begin < periods[1] if len(periods) > 1 else periods == [begin]
        assert len(periods) <= overview.MOST_PERIODS or name == "month"


def test_what_is_unknown_is_a_dash(owner: User, at_home: Client) -> None:
    [session] = add_sessions(owner, Random(1), 1, turns=0)
    Turn.objects.create(session=session, sequence=1, transcript="Hello.", started_at=timezone.now())
    page = at_home.get(PAGE).content.decode()
    assert fact(page, "turns") == "1"
    assert rows(page, "measure")["total"] == ["–"] * 5 + ["0", "–"]
    for part in ("histogram", "over-time", "versus-table"):
        assert f'class="{part}' not in page


def test_before_the_first_conversation_and_where_nothing_fits(at_home: Client, owner: User) -> None:
    page = at_home.get(PAGE).content.decode()
    assert "Nothing here yet." in page
    assert '<form method="get"' not in page
    add_sessions(owner, Random(1), 5)
    page = at_home.get(PAGE, {"text": "nobody says this"}).content.decode()
    assert "No turn matches the filter." in page
    assert re.search(r'class="button" href="/history/latency/">Show all<', page)


def test_a_value_that_makes_no_sense_is_said_and_narrows_nothing(
    at_home: Client, archive: list[Session]
) -> None:
    page = at_home.get(PAGE, {"since": "yesterday", "mode": "realtime"}).content.decode()
    assert 'class="errorlist"' in page
    stats = at_home.get(STATS, {"mode": "realtime"}).json()
    assert fact(page, "turns") == whole(stats["turns"])


def test_unknown_parameters_are_refused_and_it_is_ones_own(
    at_home: Client, client: Client, elsewhere: Client, archive: list[Session]
) -> None:
    assert at_home.get(PAGE, {"page": "2"}).status_code == 400
    assert int(fact(elsewhere.get(PAGE).content.decode(), "sessions")) <= 5
    client.logout()
    answer = client.get(PAGE)
    assert (answer.status_code, answer["Location"]) == (302, f"/sign-in/?next={PAGE}")


def test_the_queries_are_the_same_however_many_turns_there_are(
    at_home: Client, owner: User, django_assert_num_queries: Callable[..., Any]
) -> None:
    for count in (3, 60):
        add_sessions(owner, Random(count), count)
        at_home.get(PAGE)  # packs what has changed
        # Session, user, blocks, what fits; templates, values and tags, to be chosen from.
        with django_assert_num_queries(7):
            at_home.get(PAGE, {"mode": "cascade"})


def test_what_is_remembered_is_of_the_time_zone_and_ends_with_a_change(
    owner: User, archive: list[Session]
) -> None:
    def shown() -> overview.Overview:
        return overview_of(select(owner, SessionFilter(silent="too")))

    for zone in ("Pacific/Auckland", "Pacific/Honolulu", "Pacific/Auckland"):
        with timezone.override(zone):
            found = shown()
            assert found == shown()
            assert found == overview._work_out(select(owner, SessionFilter(silent="too")))
    before = shown().turns
    Turn.objects.create(
        session=archive[-1], sequence=999, end_reason="played", started_at=timezone.now()
    )
    assert shown().turns == before + 1

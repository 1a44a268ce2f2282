"""The card of a conversation says what its turns say, and nothing of what they do not know."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from random import Random
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from history.latency.scale import Scale
from history.latency.session_card import card_of, slowest_of
from history.latency.stage_parts import parts_of, total_of
from history.queries import turns_of
from history.tests.random_archive import add_sessions
from interaction.models import Session, Turn, TurnLatency

pytestmark = [pytest.mark.unit, pytest.mark.django_db]
HTMX = {"HX-Request": "true"}


def talked_of(owner: User, *latencies: dict[str, Any], **fields: Any) -> Session:
    """A conversation that ended, a turn for each of ``latencies``."""
    now = timezone.now()
    session = Session.objects.create(
        owner=owner,
        status="ended",
        started_at=now - timedelta(seconds=65),
        ended_at=now,
        **fields,
    )
    for sequence, known in enumerate(latencies, 1):
        turn = Turn.objects.create(
            session=session,
            sequence=sequence,
            mode=session.mode,
            transcript="hello",
            reply="Hello.",
            end_reason="played",
            started_at=now,
        )
        TurnLatency.objects.create(turn=turn, **known)
    return session


def cells(page: str, row: str) -> list[str]:
    """The figures of a table's row, by an attribute of it."""
    found = re.search(rf"<tr {row}[^>]*>(.*?)</tr>", page, re.DOTALL)
    assert found, row
    return [unescape(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", found[1], re.DOTALL)]


def whole(ms: float | None) -> str:
    return "–" if ms is None else f"{round(ms):,}".replace(",", "\u202f")


def test_every_figure_is_numpys_over_the_turns_of_rest(at_home: Client, owner: User) -> None:
    for session in add_sessions(owner, Random(5), 12):
        turns = at_home.get(f"/api/v1/interaction/sessions/{session.pk}/turns").json()
        page = at_home.get(f"/history/{session.pk}/").content.decode()
        if not turns:
            assert "figures-card" not in page
            continue
        for name in (*turns[0]["latency"], "total"):
            values = [
                (
                    turn["latency"]["e2e"]
                    if turn["latency"]["ear"] is None
                    else turn["latency"]["ear"]
                )
                if name == "total"
                else turn["latency"][name]
                for turn in turns
            ]
            known = [ms for ms in values if ms is not None]
            expected: list[float | None] = [None] * 5
            if known:
                p50, p95 = np.percentile(known, [50, 95])
                expected = [p50, p95, float(np.mean(known)), min(known), max(known)]
            assert cells(page, f'data-measure="{name}"') == [
                *map(whole, expected),
                whole(values[0]),
                str(len(known)),
            ]


def test_the_slowest_turn_and_why(owner: User, at_home: Client) -> None:
    quick = {"end_of_turn_delay": 600, "transcription_delay": 680, "llm_ttfs": 150, "tts_ttfb": 90}
    session = talked_of(
        owner,
        quick | {"e2e": 920, "ear": 960},
        quick | {"llm_ttfs": 700, "e2e": 1470, "ear": 1510},
        quick | {"e2e": 920, "ear": 980},
        quick,  # was never answered: no total
    )
    slowest = slowest_of(list(turns_of(session)))
    assert slowest
    assert (slowest.number, slowest.total, slowest.stage) == (2, 1510, "llm")
    assert (slowest.ms, slowest.above) == (700, 550)
    page = at_home.get(f"/history/{session.pk}/").content.decode()
    assert "Turn 2 was the slowest: 1\u202f510 ms to first sound." in page
    assert "Language model took 700 ms, 550 ms more than its median." in page
    assert cells(page, 'data-measure="total"')[-1] == "3"


@pytest.mark.parametrize(
    ("latencies", "number", "stage"),
    [
        ([], None, None),
        ([{"ear": 900}], None, None),
        ([{"ear": 900}, {"end_of_turn_delay": 600}], None, None),
        ([{"ear": 900}, {"ear": 901}], 2, None),
        ([{"ear": 900}, {"ear": 900}], 1, None),
        ([{"e2e": 900, "llm_ttfs": 100}, {"e2e": 800, "llm_ttfs": 300}], 1, None),
        ([{"e2e": 900, "ear": 1300}, {"e2e": 900, "ear": 950}], 1, "playout"),
        (
            [{"end_of_turn_delay": 100, "e2e": 400}, {"end_of_turn_delay": 700, "e2e": 999}],
            2,
            "end_of_turn",
        ),
    ],
)
def test_why_is_said_only_where_it_is_known(
    owner: User, latencies: list[dict[str, Any]], number: int | None, stage: str | None
) -> None:
    found = slowest_of(list(turns_of(talked_of(owner, *latencies))))
    assert (found and found.number, found and found.stage) == (number, stage)


def test_the_answer_of_a_realtime_provider_is_a_stage(owner: User) -> None:
    measured = {"end_of_turn_delay": 600, "transcription_delay": 1500, "e2e": 900, "ear": 950}
    [turn] = turns_of(talked_of(owner, measured, mode="realtime"))
    assert parts_of(turn) == {"end_of_turn": 600, "realtime": 300, "playout": 50}
    assert sum(parts_of(turn).values()) == total_of(turn)


def test_every_known_part_is_a_dot_and_a_cell(owner: User) -> None:
    for session in add_sessions(owner, Random(6), 10):
        turns = list(turns_of(session))
        plot = card_of(session, turns).plot
        known = [
            parts_of(turn) | ({"total": t} if (t := total_of(turn)) is not None else {})
            for turn in turns
        ]
        if not any(known):
            assert plot is None
            continue
        assert plot
        assert [dict(turn.parts) for turn in plot.turns] == known
        for turn in plot.turns:
            assert {dot.stage: dot.ms for dot in turn.dots} == turn.parts
        for strip in plot.strips:
            values = [parts[strip.stage] for parts in known if strip.stage in parts]
            assert (strip.count, strip.median) == (len(values), np.median(values))
        longest = max(ms for parts in known for ms in parts.values())
        assert longest <= plot.scale.end <= 2.5 * max(longest, 1)


def test_a_long_conversation_has_few_tab_stops(owner: User, at_home: Client) -> None:
    session = talked_of(owner, *({"ear": 500 + number} for number in range(60)))
    page = at_home.get(f"/history/{session.pk}/").content.decode()
    dots = re.findall(r'<g class="turn-dots[^>]*>', page)
    assert (len(dots), sum("tabindex" in one for one in dots)) == (60, 40)


@pytest.mark.parametrize(
    "ms", [0, 0.4, 1, 3, 4, 5, 9.9, 10, 99, 100, 101, 999, 1000, 1001, 1301, 2501, 90_000, 1e7]
)
def test_a_scale_has_round_marks_and_holds_everything(ms: float) -> None:
    scale = Scale.up_to(ms)
    assert scale.end >= ms
    assert 2 <= len(scale.marks) <= 5
    assert (scale.marks[0], scale.marks[-1][0]) == (("0.00%", 0), "100.00%")


def test_the_last_of_the_same_configuration_is_beside_it(
    owner: User, stranger: User, at_home: Client
) -> None:
    def settings(llm: str) -> dict[str, Any]:
        names = {"stt": "pocketsphinx", "llm": llm, "tts": "espeak", "realtime": "parley"}
        return {"providers": {stage: {"name": name, "model": "m"} for stage, name in names.items()}}

    talked_of(owner, {"ear": 5000}, settings=settings("demo"))
    then = talked_of(owner, {"ear": 1000}, {"ear": 1200}, settings=settings("demo"))
    talked_of(owner, {"ear": 3000}, settings=settings("echo"))
    talked_of(owner, {"ear": 3000}, settings=settings("demo"), mode="realtime")
    talked_of(owner, settings=settings("demo"))
    talked_of(stranger, {"ear": 3000}, settings=settings("demo"))
    now = talked_of(owner, {"ear": 900}, {"ear": None, "e2e": 1000}, {}, settings=settings("demo"))
    page = at_home.get(f"/history/{now.pk}/").content.decode()
    assert f'href="/history/{then.pk}/"' in page
    assert "The median total is 950 ms, 150 ms less than then." in page
    assert cells(page, 'data-difference="total"') == [
        *("950", "1\u202f100", "−150"),
        *("995", "1\u202f190", "−195"),
        *("2", "2"),
    ]
    assert 'data-difference="e2e"' not in page  # the other one knows none


class TestAfterTheEnd:
    def test_it_waits_until_the_turns_are_kept(self, owner: User, at_home: Client) -> None:
        session = talked_of(owner, {"ear": 900})
        address = f"/history/{session.pk}/end-card/"
        page = at_home.get(f"{address}?turns=2", headers=HTMX).content.decode()
        assert "figures-card" not in page
        assert f'hx-get="{address}?turns=2&amp;looks=1"' in page
        page = at_home.get(f"{address}?turns=1", headers=HTMX).content.decode()
        assert 'data-fact="turns">1<' in page
        assert f'href="/history/{session.pk}/"' in page

    def test_it_does_not_wait_for_ever(self, owner: User, at_home: Client) -> None:
        session = talked_of(owner, {"ear": 900})
        address = f"/history/{session.pk}/end-card/?turns=3&looks=20"
        page = at_home.get(address, headers=HTMX).content.decode()
        assert "2 turns are not kept yet: they are not counted here." in page
        assert "hx-get" not in page

    def test_it_waits_for_the_session_to_end(self, owner: User, at_home: Client) -> None:
        session = talked_of(owner, {"ear": 900})
        Session.objects.filter(pk=session.pk).update(status="active", ended_at=None)
        address = f"/history/{session.pk}/end-card/"
        assert "hx-get" in at_home.get(address, headers=HTMX).content.decode()

    def test_without_scripts_it_is_the_conversations_page(
        self, owner: User, at_home: Client
    ) -> None:
        session = talked_of(owner, {"ear": 900})
        answer = at_home.get(f"/history/{session.pk}/end-card/")
        assert (answer.status_code, answer["Location"]) == (302, f"/history/{session.pk}/")

    def test_it_is_ones_own(self, owner: User, client: Client, elsewhere: Client) -> None:
        address = f"/history/{talked_of(owner, {'ear': 900}).pk}/end-card/"
        assert elsewhere.get(address, headers=HTMX).status_code == 404
        assert client.get(address).status_code == 302

    def test_other_parameters_are_refused(self, owner: User, at_home: Client) -> None:
        address = f"/history/{talked_of(owner, {'ear': 900}).pk}/end-card/"
        assert at_home.get(f"{address}?turn=2", headers=HTMX).status_code == 400
        assert at_home.get(f"{address}?turns=many", headers=HTMX).status_code == 200


def test_the_page_takes_the_same_queries_however_much_is_compared(
    owner: User, at_home: Client, django_assert_num_queries: Callable[..., Any]
) -> None:
    for count in (1, 30):
        talked_of(owner, *[{"ear": 900}] * count)
        session = talked_of(owner, *[{"ear": 900}] * count)
        # session, user, conversation, turns, tasks; one alike, its turns
        with django_assert_num_queries(7):
            at_home.get(f"/history/{session.pk}/")

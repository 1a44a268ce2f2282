"""Every filter finds what a plain reading of the rows says, by REST and on the page alike, and
takes as many queries for many rows as for few."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from history import listing
from history.filters import SessionFilter
from history.listing import page_of
from history.made_up import Archive, WithTurns
from history.management.commands.make_history import keep
from history.models import Star, Tag
from history.ordering import SORTS, Ordering
from interaction.models import Session, Turn

pytestmark = [pytest.mark.unit, pytest.mark.django_db]
SESSIONS = "/api/v1/interaction/sessions"
PAGE = "/history/"
UNTIL = datetime(2026, 11, 1, tzinfo=UTC)


@dataclass
class Kept:
    """A session as it is to be found: its rows, and what the person marked it with."""

    session: Session
    turns: list[Turn]
    starred: bool
    tags: list[str]

    @property
    def p95(self) -> float | None:
        totals = [
            turn.latency.ear if turn.latency.ear is not None else turn.latency.e2e
            for turn in self.turns
        ]
        known = [total for total in totals if total is not None]
        return float(np.percentile(known, 95)) if known else None

    @property
    def silent(self) -> bool:
        return not any(turn.transcript or turn.reply or turn.error for turn in self.turns)

    def chosen(self, stage: str, what: str) -> str:
        """A stage's provider or model; empty where the mode has no such stage."""
        return str(self.session.settings["providers"].get(stage, {}).get(what, ""))

    def says(self, text: str) -> bool:
        texts = [self.session.title, *(f"{t.transcript} {t.reply}" for t in self.turns)]
        everything = " ".join(texts).casefold()
        if not text.isascii():
            return text in everything
        *whole, last = text.split()
        said = re.findall(r"\w+", everything)
        return set(whole) <= set(said) and any(word.startswith(last) for word in said)


def write(owner: User, sessions: int, turns: int, seed: int = 3) -> list[Kept]:
    """A made-up archive in one batch, some of it starred and tagged."""
    archive = Archive(owner=owner, sessions=sessions, turns=turns, until=UNTIL, seed=seed)
    batch: list[WithTurns] = [one for batch in archive.batches(1_000) for one in batch]
    keep(batch)
    draw = random.Random(seed)
    kept = []
    for session, of_session in batch:
        tags = draw.sample(["Demo", "重要", "to keep"], k=draw.choice((0, 0, 0, 1, 2)))
        starred = draw.random() < 0.3
        if starred:
            Star.put([session.pk], True)
        if tags:
            Tag.replace(session, tags)
        kept.append(Kept(session, list(of_session), starred, tags))
    return kept


@pytest.fixture
def archive(owner: User, stranger: User) -> list[Kept]:
    write(stranger, 10, 30, seed=4)
    return write(owner, 70, 180)


Holds = Callable[[Kept], bool]
MIDDLE = UNTIL - timedelta(days=270)


def provider(stage: str, what: str, value: str) -> Holds:
    return lambda one: one.chosen(stage, what) == value


FILTERS: list[tuple[dict[str, str], Holds]] = [
    ({}, lambda one: True),
    ({"since": MIDDLE.isoformat()}, lambda one: one.session.created_at >= MIDDLE),
    ({"until": MIDDLE.isoformat()}, lambda one: one.session.created_at < MIDDLE),
    ({"mode": "realtime"}, lambda one: one.session.mode == "realtime"),
    ({"mode": "cascade"}, lambda one: one.session.mode == "cascade"),
    ({"stt": "deepgram"}, provider("stt", "name", "deepgram")),
    ({"stt_model": "nova-3"}, provider("stt", "model", "nova-3")),
    ({"llm": "anthropic"}, provider("llm", "name", "anthropic")),
    ({"llm_model": "gpt-5-mini"}, provider("llm", "model", "gpt-5-mini")),
    ({"tts": "espeak"}, provider("tts", "name", "espeak")),
    ({"tts_model": "gpt-4o-mini-tts"}, provider("tts", "model", "gpt-4o-mini-tts")),
    ({"realtime": "openai"}, provider("realtime", "name", "openai")),
    ({"realtime_model": "gemini-3.8-live"}, provider("realtime", "model", "gemini-3.8-live")),
    ({"stt": "nobody"}, lambda one: False),
    ({"template": "2"}, lambda one: one.session.settings["template_id"] == 2),
    ({"language": "ZH-hant"}, lambda one: "天" in str(one.session.title) or _chinese(one)),
    ({"interrupted": "true"}, lambda one: any(turn.interrupted for turn in one.turns)),
    ({"interrupted": "false"}, lambda one: not any(turn.interrupted for turn in one.turns)),
    ({"failed": "true"}, lambda one: any(turn.error for turn in one.turns)),
    ({"failed": "false"}, lambda one: not any(turn.error for turn in one.turns)),
    ({"p95_above": "1500"}, lambda one: one.p95 is not None and one.p95 > 1500),
    ({"p95_above": "0"}, lambda one: one.p95 is not None),
    ({"starred": "true"}, lambda one: one.starred),
    ({"starred": "false"}, lambda one: not one.starred),
    ({"tag": "demo"}, lambda one: "Demo" in one.tags),
    ({"tag": " TO  keep "}, lambda one: "to keep" in one.tags),
    ({"tag": "重要"}, lambda one: "重要" in one.tags),
    ({"status": "ended"}, lambda one: one.session.status == "ended"),
    ({"status": "created"}, lambda one: one.session.status == "created"),
    ({"silent": "too"}, lambda one: True),
    ({"silent": "only"}, lambda one: one.silent),
    ({"text": "weather"}, lambda one: one.says("weather")),
    ({"text": "the wea"}, lambda one: one.says("the wea")),
    ({"text": "天氣"}, lambda one: one.says("天氣")),
    ({"text": "xylophone"}, lambda one: False),
    (
        {"mode": "cascade", "interrupted": "true", "text": "the"},
        lambda one: (
            one.session.mode == "cascade"
            and any(turn.interrupted for turn in one.turns)
            and one.says("the")
        ),
    ),
    (
        {"starred": "true", "tag": "demo", "since": MIDDLE.isoformat(), "silent": "too"},
        lambda one: one.starred and "Demo" in one.tags and one.session.created_at >= MIDDLE,
    ),
    (
        {"stt": "deepgram", "tts": "elevenlabs", "p95_above": "1200", "failed": "false"},
        lambda one: (
            one.chosen("stt", "name") == "deepgram"
            and one.chosen("tts", "name") == "elevenlabs"
            and (one.p95 or 0) > 1200
            and not any(turn.error for turn in one.turns)
        ),
    ),
]


def _chinese(one: Kept) -> bool:
    choices: Iterable[dict[str, str]] = one.session.settings["providers"].values()
    return all(choice["language"] == "zh-Hant" for choice in choices)


def expected(kept: list[Kept], wanted: dict[str, str], holds: Holds) -> list[UUID]:
    shown = wanted.get("silent") or wanted.get("status") == "created"
    found = [one for one in kept if holds(one) and (shown or not one.silent)]
    found.sort(key=lambda one: one.session.created_at, reverse=True)
    return [one.session.pk for one in found]


def on_page(page: str) -> list[UUID]:
    return [UUID(found) for found in re.findall(r'<tr id="s-([0-9a-f-]{36})"', page)]


def test_every_filter_finds_what_the_rows_say(at_home: Client, archive: list[Kept]) -> None:
    telling = 0
    for wanted, holds in FILTERS:
        right = expected(archive, wanted, holds)
        rest = at_home.get(SESSIONS, wanted | {"page_size": "200"}).json()
        assert [UUID(item["id"]) for item in rest["items"]] == right, wanted
        assert rest["count"] == len(right)
        page = at_home.get(PAGE, wanted).content.decode()
        assert on_page(page) == right[:25], wanted
        telling += 0 < len(right) < len(archive)
    assert telling > 25, "the archive is too uniform to tell filters apart"


def test_much_is_found_along_the_list_as_little_is_without_it(
    owner: User, archive: list[Kept], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "FREQUENT", 0)
    for wanted, holds in FILTERS:
        page = page_of(owner, SessionFilter.model_validate(wanted), Ordering(), 1, 200)
        assert page.ids == expected(archive, wanted, holds), wanted


def test_every_filter_is_tried_here() -> None:
    assert {name for wanted, _holds in FILTERS for name in wanted} == set(
        SessionFilter.model_fields
    )


def test_every_order_is_that_of_the_rows(at_home: Client, archive: list[Kept]) -> None:
    def lasted(one: Kept) -> float:
        ended, started = one.session.ended_at, one.session.started_at
        return (ended - started).total_seconds() if ended and started else -1

    keys: dict[str, Callable[[Kept], float]] = {
        "newest": lambda one: one.session.created_at.timestamp(),
        "oldest": lambda one: -one.session.created_at.timestamp(),
        "longest": lasted,
        "turns": lambda one: len(one.turns),
        "slowest": lambda one: -1 if one.p95 is None else one.p95,
    }
    assert keys.keys() == SORTS.keys()
    by_id = {one.session.pk: one for one in archive}
    for sort, key in keys.items():
        asked = {"sort": sort, "silent": "too", "page_size": "200"}
        items = at_home.get(SESSIONS, asked).json()["items"]
        listed = [by_id[UUID(item["id"])] for item in items]
        assert len(listed) == len(archive)
        figures = [key(one) for one in listed]
        assert figures == sorted(figures, reverse=True), sort
        page = at_home.get(PAGE, {"sort": sort, "silent": "too"}).content.decode()
        assert on_page(page) == [one.session.pk for one in listed][:25]


def test_pages_hold_each_session_once(at_home: Client, archive: list[Kept]) -> None:
    for sort in SORTS:
        pages = [
            on_page(at_home.get(PAGE, {"sort": sort, "page": str(page)}).content.decode())
            for page in (1, 2, 3)
        ]
        listed = [pk for page in pages for pk in page]
        assert len(listed) == len(set(listed)) == len(expected(archive, {}, lambda _one: True))


def test_a_list_takes_the_same_queries_however_much_it_finds(at_home: Client, owner: User) -> None:
    """What finds nothing leaves out the queries of its rows: so the few are some of each kind."""
    asked = [*(wanted for wanted, _holds in FILTERS), *({"sort": sort} for sort in SORTS)]
    on_pages = [{}, {"text": "the"}, {"text": "天氣"}, {"stt": "deepgram"}, {"sort": "slowest"}]

    def counts() -> list[tuple[int, bool]]:
        made = []
        for address, all_wanted in ((SESSIONS, asked), (PAGE, on_pages)):
            for wanted in all_wanted:
                with CaptureQueriesContext(connection) as captured:
                    answer = at_home.get(address, wanted)
                empty = answer.content.startswith(b'{"items": []')
                made.append((len(captured), empty))
        return made

    write(owner, 30, 80, seed=5)
    few = counts()
    write(owner, 60, 300, seed=6)
    many = counts()
    compared = [
        (before, after)
        for (before, empty), (after, _empty) in zip(few, many, strict=True)
        if not empty
    ]
    assert [before for before, _after in compared] == [after for _before, after in compared]
    assert len(compared) > 35
    assert max(count for count, _empty in many) <= MOST


MOST = 11
"""session, person, what is offered (3), ids, count, rows, tags; of words their places, the turns;
but those count with the ids."""

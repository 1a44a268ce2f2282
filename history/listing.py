"""A page of the list of conversations: the rows that a filter finds, ready to be shown.

It takes as many queries for one row as for all that fit on a page.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, Window
from django.utils.text import Truncator

from history.filters import SessionFilter
from history.models import SessionSummary, SessionWords, Tag
from history.ordering import Ordering
from history.queries import summaries_of
from history.search import Place, Search
from interaction.models import Session, Turn

SESSIONS_A_PAGE = 25
FREQUENT = 5_000
"""Sessions from which on a page of them is put together along the list."""
LEAD = 60
"""Characters that are shown before the first word that was found."""
LONGEST_HEADING = 90
EXCERPT = 200
"""Characters of an excerpt."""

Piece = tuple[str, bool]
"""Text, and whether it was searched for."""


@dataclass(slots=True)
class Found:
    """Where in a conversation the words stand that were searched for."""

    place: Place
    pieces: list[Piece]
    is_new: bool
    """Whether the heading does not say it already."""


@dataclass(slots=True)
class Row:
    """A conversation in the list."""

    summary: SessionSummary
    starred: bool = False
    tags: list[str] = field(default_factory=list)
    heading: list[Piece] = field(default_factory=list)
    """Its title, else its opening words; empty where it has neither."""
    found: Found | None = None

    @property
    def session(self) -> Session:
        return self.summary.session


@dataclass(frozen=True, slots=True)
class Page:
    """Some of what a filter finds, in order."""

    ids: list[UUID]
    number: int
    """Counted from 1."""
    count: int
    """On all pages."""
    size: int

    @property
    def last(self) -> int:
        return max(1, -(-self.count // self.size))


def page_of(
    user: Any, wanted: SessionFilter, ordering: Ordering, number: int, size: int = SESSIONS_A_PAGE
) -> Page:
    """The page of that number, which may be beyond the last one and empty."""
    found = ordering.order(wanted.filter(summaries_of(user)))
    start = (number - 1) * size
    if Search.of(wanted.text or "").has_phrases:
        # Phrases are looked up once for the rows and their count; all else is counted faster alone.
        counted = found.annotate(count=Window(Count("*"))).values_list("pk", "count")
        rows = list(counted[start : start + size])
        if rows or start == 0:
            count = rows[0][1] if rows else 0
            return Page([pk for pk, _count in rows], number, count, size)
    count = found.count()
    if count > FREQUENT:
        found = ordering.order(wanted.in_order().filter(summaries_of(user)))
    ids = list(found.values_list("pk", flat=True)[start : start + size])
    return Page(ids, number, count, size)


def nearest_page_of(
    user: Any, wanted: SessionFilter, ordering: Ordering, number: str | None
) -> Page:
    """The same of what an address asks for: the first page, where that is no number, and the last
    one instead of what is beyond."""
    asked = int(number) if number and number.isdecimal() and len(number) < 10 else 1
    page = page_of(user, wanted, ordering, max(1, asked))
    return page if page.number <= page.last else page_of(user, wanted, ordering, page.last)


def rows_of(ids: Iterable[UUID], text: str | None = None) -> list[Row]:
    """In the order of ``ids``; with what was found of ``text``."""
    ids = list(ids)
    summaries = SessionSummary.objects.select_related("session__star").in_bulk(ids)
    rows = {
        pk: Row(summary, starred=hasattr(summary.session, "star"))
        for pk, summary in summaries.items()
    }
    for session, name in Tag.objects.filter(sessions__in=ids).values_list("sessions", "name"):
        rows[session].tags.append(name)
    search = Search.of(text or "")
    for row in rows.values():
        opening = Truncator(row.summary.opening).chars(LONGEST_HEADING)
        row.heading = pieces_of(row.session.title or opening, search)
    if search.terms:
        _find(search, rows)
    return [rows[pk] for pk in ids if pk in rows]


def _find(search: Search, rows: dict[UUID, Row]) -> None:
    streams = SessionWords.objects.filter(session__in=list(rows)).values_list("session", "stream")
    places = {session: search.place_in(stream) for session, stream in streams}
    turns = Q()
    for session, place in places.items():
        if place and place.sequence:
            turns |= Q(session=session, sequence=place.sequence)
    if not turns:
        return
    said = Turn.objects.filter(turns).values_list("session", "transcript", "reply")
    for session, transcript, reply in said:
        place = places[session]
        if place:
            row = rows[session]
            text = transcript if place.side == "u" else reply
            is_new = bool(row.session.title) or text != row.summary.opening
            row.found = Found(place, excerpt(text, search), is_new)


def pieces_of(text: str, search: Search) -> list[Piece]:
    """The text, cut where what was searched for begins and ends."""
    pieces: list[Piece] = []
    at = 0
    for start, end in search.spans(text):
        pieces += [(text[at:start], False), (text[start:end], True)]
        at = end
    return [piece for piece in (*pieces, (text[at:], False)) if piece[0]]


def excerpt(text: str, search: Search) -> list[Piece]:
    """The part of a text in which the first words stand that were searched for."""
    text = " ".join(text.split())
    first = next(iter(search.spans(text)), (0, 0))[0]
    start = _word_start(text, max(0, first - LEAD)) if first > LEAD else 0
    end = start + EXCERPT
    shown = f"{'… ' if start else ''}{text[start:end].strip()}{' …' if end < len(text) else ''}"
    return pieces_of(shown, search)


def _word_start(text: str, at: int) -> int:
    """The start of the first word from there on, if there is one near."""
    space = text.find(" ", at, at + LEAD // 2)
    return at if space < 0 else space + 1


def scale_of(rows: Sequence[Row]) -> float:
    """ms to which the pictures of these rows are drawn, so that they can be compared."""
    slowest = [row.summary.p95_ms for row in rows if row.summary.p95_ms is not None]
    return max([1000.0, *slowest]) * 1.15

"""What is read from the archive: a person's conversations, and the turns of one."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from typing import Any

from django.db.models import DurationField, ExpressionWrapper, F, OuterRef, QuerySet, Subquery

from history.models import SessionSummary
from history.waterfall import extent, lay_out
from interaction.models import Session, Turn

SHORTEST_SCALE_MS = 1000.0


def sessions_of(user: Any) -> QuerySet[Session]:
    """This person's conversations, newest first, with ``turn_count`` and ``interrupted_count``."""
    # Counting groups, and a grouped query forgets the model's own ordering.
    return Session.objects.owned_by(user).with_counts().order_by("-created_at", "pk")


def summaries_of(user: Any) -> QuerySet[SessionSummary]:
    """The same in one table, without counting their turns: for lists of any length."""
    return SessionSummary.objects.filter(owner=user).order_by("-created_at", "session")


def with_summaries(sessions: QuerySet[Session]) -> QuerySet[Session]:
    """Annotate ``duration`` (None until it ends) and ``opening``, its first transcript or None."""
    transcribed = (
        Turn.objects.filter(session=OuterRef("pk")).exclude(transcript="").order_by("sequence")
    )
    return sessions.annotate(
        opening=Subquery(transcribed.values("transcript")[:1]),
        duration=ExpressionWrapper(F("ended_at") - F("started_at"), output_field=DurationField()),
    )


def turns_of(session: Session) -> QuerySet[Turn]:
    """In their order, each with its latency, its annotation and the tools that were run in it."""
    rows = session.turns.select_related("latency", "annotation").prefetch_related(
        "tasks__invocations"
    )
    return rows.order_by("sequence")


def longest_ms(turns: Iterable[Turn]) -> float:
    """The longest of the turns' bars, at least a second: they are drawn to one scale."""
    bars = [extent(turn.latency.by_metric()) for turn in turns if hasattr(turn, "latency")]
    return max([SHORTEST_SCALE_MS, *bars])


def median_ms(turns: Iterable[Turn]) -> float | None:
    """The median of the turns' totals; None of fewer than three, which are compared by eye."""
    totals = [
        total
        for turn in turns
        if hasattr(turn, "latency") and (total := lay_out(turn.latency.by_metric())[0]) is not None
    ]
    return statistics.median(totals) if len(totals) > 2 else None

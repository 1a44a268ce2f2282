"""How the archive is read for a page."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import DurationField, ExpressionWrapper, F, OuterRef, QuerySet, Subquery

from interaction.models import Session, Turn
from interaction.templatetags.latency import values
from interaction.waterfall import lay_out

SHORTEST_SCALE_MS = 1000.0
AUDIO_ADDRESS = "/api/v1/interaction/sessions/{session}/turns/{turn}/audio"


def sessions_of(user: Any) -> QuerySet[Session]:
    """This person's conversations, newest first, each with what a list shows of it.

    Annotations: ``turn_count``, ``interrupted_count``, ``duration`` (None while it goes on) and
    ``opening`` (the first words that were understood, or None).
    """
    said = Turn.objects.filter(session=OuterRef("pk")).exclude(transcript="").order_by("sequence")
    return (
        Session.objects.owned_by(user)
        .with_counts()
        .annotate(
            opening=Subquery(said.values("transcript")[:1]),
            duration=ExpressionWrapper(
                F("ended_at") - F("started_at"), output_field=DurationField()
            ),
        )
        .order_by("-created_at")
    )


def turns_of(session: Session) -> QuerySet[Turn]:
    """In their order, each with its figures and the tools that were run in it."""
    rows = session.turns.select_related("latency").prefetch_related("tasks__invocations")
    return rows.order_by("sequence")


def longest_ms(turns: Iterable[Turn]) -> float:
    """What fills the width of the turns' bars, so that they compare by eye; a second at least."""
    totals = [lay_out(values(turn.latency))[0] or 0 for turn in turns if hasattr(turn, "latency")]
    return max([SHORTEST_SCALE_MS, *totals])

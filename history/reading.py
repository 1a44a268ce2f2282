"""How the archive is read for a page."""

from __future__ import annotations

from typing import Any

from django.db.models import DurationField, ExpressionWrapper, F, OuterRef, QuerySet, Subquery

from interaction.models import Session, Turn

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
    return session.turns.select_related("latency").order_by("sequence")

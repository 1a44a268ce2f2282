"""Lets go of conversations that are older, or take more room, than is to be kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from history.deletion import AGENT_BYTES_A_MS, USER_BYTES_A_MS, erase_in_chunks
from history.models import Retention
from interaction.models import Session, Turn

MB = 1_000_000
SPARED = Q(status=Session.Status.ACTIVE) | Q(star__isnull=False)
"""Sessions that no limit concerns; nor do they count for one."""


@dataclass(frozen=True, slots=True)
class Due:
    """A session that is to go."""

    session_id: UUID
    because: Literal["age", "size"]


def due(user: Any = None) -> list[Due]:
    """What the limits would have deleted now, of all people or of one: for their age, and of the
    rest the oldest ones for the room that all recordings take."""
    found: dict[UUID, Due] = {}
    people = get_user_model().objects.all() if user is None else [user]
    limits = {one.user_id: one for one in Retention.objects.filter(user__in=people)}
    for person_id, limit in limits.items():
        own = Session.objects.filter(owner=person_id)
        _find(found, own, limit.days, limit.megabytes)
    if user is None:
        env = settings.ENV
        _find(found, Session.objects.all(), env.parley_keep_days, env.parley_keep_mb)
    elif settings.ENV.parley_keep_days:
        _find(found, Session.objects.filter(owner=user), settings.ENV.parley_keep_days, None)
    return list(found.values())


def prune() -> int:
    """Delete what is due; return how many there were."""
    return erase_in_chunks([one.session_id for one in due()])


def _find(
    found: dict[UUID, Due], sessions: QuerySet[Session], days: int | None, megabytes: int | None
) -> None:
    """Add to ``found`` what these limits, where there are any, have deleted of the sessions."""
    concerned = sessions.exclude(SPARED)
    if days:
        for session_id in _older(concerned, timezone.now() - timedelta(days=days)):
            found.setdefault(session_id, Due(session_id, "age"))
    if megabytes:
        left = _recorded(concerned, leave_out=found.keys())
        for session_id in _beyond(left, megabytes * MB):
            found[session_id] = Due(session_id, "size")


def _older(sessions: QuerySet[Session], than: datetime) -> QuerySet[Session, UUID]:
    return (
        sessions.filter(created_at__lt=than)
        .order_by("created_at", "pk")
        .values_list("pk", flat=True)
    )


def _recorded(sessions: QuerySet[Session], leave_out: Any) -> Iterator[tuple[UUID, int]]:
    """(id, bytes of its recordings) of those that have any, the newest first."""
    kept = (
        Turn.objects.filter(session__in=sessions.values("pk"))
        .values("session_id", "session__created_at")
        .annotate(size=_bytes("user") * USER_BYTES_A_MS + _bytes("agent") * AGENT_BYTES_A_MS)
        .filter(size__gt=0)
        .order_by("-session__created_at", "-session_id")
    )
    for row in kept.iterator():
        if row["session_id"] not in leave_out:
            yield row["session_id"], row["size"]


def _bytes(side: str) -> Coalesce:
    return Coalesce(Sum(f"{side}_audio_ms", filter=~Q(**{f"{side}_audio": ""})), 0)


def _beyond(recorded: Iterator[tuple[UUID, int]], limit: int) -> Iterator[UUID]:
    """Those that come after the limit is reached."""
    total = 0
    for session_id, size in recorded:
        total += size
        if total > limit:
            yield session_id

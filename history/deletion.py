"""Deleting conversations with everything that was kept of them, and saying beforehand what goes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Self, TypeVar
from uuid import UUID

from django.db import transaction
from django.db.models import Sum

from history.models import ShareLink
from interaction.core.types import INPUT_SAMPLE_RATE, OUTPUT_SAMPLE_RATE
from interaction.models import DiscardedFile, Session, Turn

Item = TypeVar("Item")

CHUNK = 20
"""Sessions that are deleted in one transaction: some ten milliseconds of SQLite's write lock."""
COUNTED_AT_ONCE = 500
USER_BYTES_A_MS = 2 * INPUT_SAMPLE_RATE // 1000
AGENT_BYTES_A_MS = 2 * OUTPUT_SAMPLE_RATE // 1000


@dataclass(frozen=True, slots=True)
class Goes:
    """What a deletion takes along."""

    sessions: int = 0
    turns: int = 0
    recorded_ms: int = 0
    """Of both sides' recordings together."""
    recorded_bytes: int = 0
    share_links: int = 0
    """Those that still open."""
    in_progress: int = 0
    """Sessions that stay, since they are in progress; they are in none of the other figures."""

    @property
    def recorded(self) -> timedelta:
        return timedelta(milliseconds=self.recorded_ms)

    @property
    def recorded_minutes(self) -> float:
        return self.recorded_ms / 60_000

    @property
    def megabytes(self) -> float:
        return self.recorded_bytes / 1_000_000

    def __add__(self, other: Self) -> Self:
        sums = {
            one.name: getattr(self, one.name) + getattr(other, one.name) for one in fields(self)
        }
        return type(self)(**sums)


def what_goes(session_ids: Sequence[UUID]) -> Goes:
    """What deleting these sessions would take along."""
    return sum(map(_what_goes, chunks(session_ids, COUNTED_AT_ONCE)), Goes())


def _what_goes(session_ids: Sequence[UUID]) -> Goes:
    sessions = Session.objects.filter(pk__in=session_ids)
    going = sessions.exclude(status=Session.Status.ACTIVE)
    turns = Turn.objects.filter(session__in=going.values("pk"))
    user, agent = (
        turns.exclude(**{f"{side}_audio": ""}).aggregate(ms=Sum(f"{side}_audio_ms"))["ms"] or 0
        for side in ("user", "agent")
    )
    return Goes(
        sessions=going.count(),
        turns=turns.count(),
        recorded_ms=user + agent,
        recorded_bytes=user * USER_BYTES_A_MS + agent * AGENT_BYTES_A_MS,
        share_links=ShareLink.objects.open().filter(session__in=going.values("pk")).count(),
        in_progress=sessions.filter(status=Session.Status.ACTIVE).count(),
    )


def erase(session_ids: Iterable[UUID]) -> int:
    """Delete those of these sessions that are not in progress, in one transaction, and then their
    files; return how many there were. It may be repeated, and interrupted at any point."""
    with transaction.atomic():
        idle = Session.objects.exclude(status=Session.Status.ACTIVE)
        # Locked: none of them may be started between here and its deletion.
        rows = idle.filter(pk__in=list(session_ids)).order_by("pk").select_for_update()
        going = list(rows.values_list("pk", flat=True))
        Session.objects.filter(pk__in=going).delete()
    return len(going)


def erase_in_chunks(
    session_ids: Sequence[UUID], on_progress: Callable[[int, int], bool] = lambda done, erased: True
) -> int:
    """``erase`` them chunk by chunk, leaving others time to write between two; return how many
    were deleted.

    ``on_progress`` is told how many it is past, and how many of these were deleted; where it
    returns false, the rest is left.
    """
    done = erased = 0
    for chunk in chunks(session_ids, CHUNK):
        began = time.monotonic()
        erased += erase(chunk)
        while DiscardedFile.remove_files():
            pass
        done += len(chunk)
        if not on_progress(done, erased):
            break
        if done < len(session_ids):
            # SQLite's other writers poll for its lock: as long again is theirs.
            time.sleep(time.monotonic() - began)
    return erased


def chunks(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    """The items in their order, ``size`` at a time."""
    for start in range(0, len(items), size):
        yield items[start : start + size]

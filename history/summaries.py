"""Keeps ``SessionSummary``: written anew each time a session, a turn or its latency is saved.

Rows written in bulk send no signals: whoever writes such calls ``refresh`` or ``add_missing``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import numpy as np
from django.db import transaction
from django.db.models import Prefetch, Q

from history.latency import blocks
from history.models import SessionSummary
from history.waterfall import total_ms
from interaction.models import Session, Turn

BATCH = 500
"""Sessions that are summed up at once."""
CASCADE_STAGES = ("stt", "llm", "tts")
COLUMNS = [field.name for field in SessionSummary._meta.concrete_fields if not field.primary_key]


def refresh(session_ids: Iterable[UUID]) -> None:
    """Write the summaries of these sessions anew; ids of sessions that are gone are passed over."""
    turns = Turn.objects.select_related("latency").order_by("sequence")
    # Locked, so that of two turns archived at once the later one sees the earlier.
    sessions = Session.objects.filter(pk__in=list(session_ids)).order_by("pk")
    sessions = sessions.select_for_update(no_key=True)
    with transaction.atomic():
        rows = [
            summarise(session, list(session.turns.all()))
            for session in sessions.prefetch_related(Prefetch("turns", turns))
        ]
        SessionSummary.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["session"], update_fields=COLUMNS
        )
        blocks.mark(rows)


def add_missing() -> int:
    """Sum up the sessions that have no summary, in batches; return how many they were."""
    unmarked = Q(summary__turn_count__gt=0, latency_member=None)
    missing = (
        Session.objects.filter(Q(summary=None) | unmarked)
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    count = 0
    while batch := list(missing[:BATCH]):
        refresh(batch)
        count += len(batch)
    blocks.build_all()
    return count


def summarise(session: Session, turns: Sequence[Turn]) -> SessionSummary:
    """The summary, unsaved. ``turns``: all of the session's, in their order, with latencies."""
    totals = [total_ms(turn.latency.by_metric()) for turn in turns if hasattr(turn, "latency")]
    known = [total for total in totals if total is not None]
    p50, p95 = np.percentile(known, (50, 95)).tolist() if known else (None, None)
    opening = next((turn.transcript for turn in turns if turn.transcript), "")
    return SessionSummary(
        session=session,
        owner_id=session.owner_id,
        created_at=session.created_at,
        mode=session.mode,
        status=session.status,
        silent=not any(turn.transcript or turn.reply for turn in turns),
        opening=opening[: SessionSummary.OPENING_LENGTH],
        turn_count=len(turns),
        interrupted_count=sum(turn.interrupted for turn in turns),
        failed_count=sum(turn.error is not None for turn in turns),
        p50_ms=p50,
        p95_ms=p95,
        totals=totals[: SessionSummary.TOTALS_KEPT],
        **configuration(session),
    )


def configuration(session: Session) -> dict[str, str]:
    """The provider and the model that were chosen for each stage of the session's mode, by the
    summary's columns."""
    chosen: dict[str, dict[str, str]] = session.settings.get("providers", {})
    realtime = session.mode == Session.Mode.REALTIME
    stages = ("realtime",) if realtime else CASCADE_STAGES
    columns: dict[str, str] = {}
    for stage in stages:
        choice = chosen.get(stage, {})
        columns |= {stage: choice.get("name", ""), f"{stage}_model": choice.get("model", "")}
    return columns


def on_session_saved(instance: Session, raw: bool = False, **_: Any) -> None:
    if not raw:
        refresh([instance.pk])


def on_turn_saved(instance: Any, raw: bool = False, **_: Any) -> None:
    """``instance``: a ``Turn``, or anything that has a ``turn``, as ``TurnLatency``."""
    if not raw:
        refresh([getattr(instance, "turn", instance).session_id])


def on_turn_deleted(instance: Turn, origin: Any, **_: Any) -> None:
    """Of turns that go with their session, nothing is left to sum up."""
    if getattr(origin, "model", type(origin)) is Turn:
        refresh([instance.session_id])


def on_session_changed(session_id: UUID, **_: Any) -> None:
    refresh([session_id])


def on_migrated(**_: Any) -> None:
    add_missing()

"""Keeps ``SessionSummary``, ``SessionWords`` and ``OfferedValue``: written anew each time a
session, a turn or its latency is saved.

Rows written in bulk send no signals: whoever writes such calls ``refresh``, ``write`` or
``add_missing``. What a deletion takes along needs nobody.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Self
from uuid import UUID

import numpy as np
from django.db import transaction
from django.db.models import Q

from history.latency import blocks
from history.models import OfferedValue, SessionSummary, SessionWords
from history.search import Place, lines_of, stream_of
from history.waterfall import total_ms
from interaction.models import Session, Turn

BATCH = 500
"""Sessions that are summed up at once."""
CASCADE_STAGES = ("stt", "llm", "tts")
COLUMNS = [field.name for field in SessionSummary._meta.concrete_fields if not field.primary_key]
SUMMED_UP = frozenset(
    ("owner", "title", "mode", "status", "settings", "created_at", "started_at", "ended_at")
)
"""The fields of a session that matter here."""


class TurnFacts(NamedTuple):
    """What a session is summed up from, of each turn."""

    sequence: int
    transcript: str
    reply: str
    interrupted: bool
    failed: bool
    measured: bool
    """Whether it has a latency."""
    total: float | None
    """ms; None where unknown."""

    @classmethod
    def of(cls, turn: Turn) -> Self:
        measured = hasattr(turn, "latency")
        return cls(
            turn.sequence,
            turn.transcript,
            turn.reply,
            turn.interrupted,
            turn.error is not None,
            measured,
            total_ms(turn.latency.by_metric()) if measured else None,
        )


WithTurns = tuple[Session, Sequence[TurnFacts]]
"""A session, and all of its turns in their order."""


def refresh(session_ids: Iterable[UUID], *, changed: int | None = None) -> None:
    """Write the summaries of these sessions anew; ids of sessions that are gone are passed over.

    ``changed``: the number of the only turn whose words may be others than before; None: all may
    be. It spares a long session the work of taking all that was said apart with each turn.
    """
    # Locked, so that of two turns archived at once the later one sees the earlier.
    sessions = Session.objects.filter(pk__in=list(session_ids)).order_by("pk")
    sessions = sessions.select_for_update(no_key=True)
    with transaction.atomic():
        rows = list(sessions)
        turns = _turns_of(rows)
        write([(session, turns[session.pk]) for session in rows], changed=changed)


def _turns_of(sessions: Sequence[Session]) -> dict[UUID, list[TurnFacts]]:
    """By session, from plain rows: objects of hundreds of turns would take most of the time."""
    rows = Turn.objects.filter(session__in=[session.pk for session in sessions])
    rows = rows.annotate(failed=Q(error__isnull=False), measured=Q(latency__isnull=False))
    said = ("session_id", "sequence", "transcript", "reply", "interrupted", "failed", "measured")
    turns: dict[UUID, list[TurnFacts]] = defaultdict(list)
    for session, *facts, ear, e2e in rows.order_by("sequence").values_list(
        *said, "latency__ear", "latency__e2e"
    ):
        turns[session].append(TurnFacts._make([*facts, total_ms({"ear": ear, "e2e": e2e})]))
    return turns


def write(sessions: Sequence[WithTurns], *, changed: int | None = None) -> None:
    """Write what these sessions are found by. ``changed``: as for ``refresh``."""
    with transaction.atomic():
        search_ids = _write_words(sessions, changed)
        rows = [summarise(session, turns) for session, turns in sessions]
        for row in rows:
            row.search_id = search_ids[row.session_id]
        SessionSummary.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["session"], update_fields=COLUMNS
        )
        OfferedValue.note(rows)
        blocks.mark(rows)


def add_missing() -> int:
    """Sum up the sessions that have no summary, in batches; return how many they were."""
    unmarked = Q(summary__turn_count__gt=0, latency_member=None)
    incomplete = Q(summary=None) | Q(summary__search_id=None) | unmarked
    missing = Session.objects.filter(incomplete).order_by("pk").values_list("pk", flat=True)
    count = 0
    while batch := list(missing[:BATCH]):
        refresh(batch)
        count += len(batch)
    blocks.build_all()
    return count


def summarise(session: Session, turns: Sequence[TurnFacts]) -> SessionSummary:
    """The summary, unsaved, but for ``search_id``."""
    totals = [turn.total for turn in turns if turn.measured]
    known = [total for total in totals if total is not None]
    p50, p95 = np.percentile(known, (50, 95)).tolist() if known else (None, None)
    opening = next((turn.transcript for turn in turns if turn.transcript), "")
    begun, ended = session.started_at, session.ended_at
    return SessionSummary(
        session=session,
        owner_id=session.owner_id,
        created_at=session.created_at,
        mode=session.mode,
        status=session.status,
        silent=not any(turn.transcript or turn.reply or turn.failed for turn in turns),
        opening=opening[: SessionSummary.OPENING_LENGTH],
        template=session.settings.get("template_id"),
        duration_ms=round((ended - begun).total_seconds() * 1000) if begun and ended else None,
        turn_count=len(turns),
        interrupted_count=sum(turn.interrupted for turn in turns),
        failed_count=sum(turn.failed for turn in turns),
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
    columns = {"language": chosen.get(stages[0], {}).get("language", "")}
    for stage in stages:
        choice = chosen.get(stage, {})
        model = choice.get("model", "")[: SessionSummary.MODEL_LENGTH]
        columns |= {stage: choice.get("name", ""), f"{stage}_model": model}
    return columns


def _write_words(sessions: Sequence[WithTurns], only: int | None) -> dict[UUID, int]:
    """The ids of their ``SessionWords``. What has not changed is not indexed again."""
    there = SessionWords.objects.filter(session__in=[session.pk for session, _ in sessions])
    before = {session: (pk, stream) for session, pk, stream in there.values_list(
        "session", "pk", "stream"
    )}  # fmt: skip
    streams = {}
    for session, turns in sessions:
        known = _unchanged(before[session.pk][1], only) if session.pk in before else {}
        streams[session.pk] = stream_of(_texts(session, turns), known)
    changed = SessionWords.objects.bulk_create(
        [
            SessionWords(session_id=session, stream=stream)
            for session, stream in streams.items()
            if session not in before or before[session][1] != stream
        ],
        update_conflicts=True,
        unique_fields=["session"],
        update_fields=["stream"],
    )
    ids = {session: pk for session, (pk, _) in before.items()}
    return ids | {row.session_id: row.pk for row in changed}


def _unchanged(stream: str, changed: int | None) -> dict[Place, str]:
    """What need not be taken apart again: all but the title, and the turn of that number."""
    if changed is None:
        return {}
    lines = lines_of(stream).items()
    return {place: line for place, line in lines if place.sequence not in (0, changed)}


def _texts(session: Session, turns: Iterable[TurnFacts]) -> Iterator[tuple[Place, str]]:
    yield Place(0, "t"), session.title
    for turn in turns:
        yield Place(turn.sequence, "u"), turn.transcript
        yield Place(turn.sequence, "a"), turn.reply


def on_session_saved(instance: Session, raw: bool = False, **_: Any) -> None:
    if not raw:
        refresh([instance.pk])


def on_turn_saved(instance: Any, raw: bool = False, **_: Any) -> None:
    """``instance``: a ``Turn``, or anything that has a ``turn``, as ``TurnLatency``."""
    if not raw:
        turn: Turn = getattr(instance, "turn", instance)
        refresh([turn.session_id], changed=turn.sequence)


def on_turn_deleted(instance: Turn, origin: Any, **_: Any) -> None:
    """Of turns that go with their session, nothing is left to sum up."""
    if getattr(origin, "model", type(origin)) is Turn:
        refresh([instance.session_id], changed=instance.sequence)


def on_session_changed(session_ids: Sequence[UUID], fields: frozenset[str], **_: Any) -> None:
    if fields & SUMMED_UP:
        for start in range(0, len(session_ids), BATCH):
            refresh(session_ids[start : start + BATCH])


def on_migrated(**_: Any) -> None:
    add_missing()

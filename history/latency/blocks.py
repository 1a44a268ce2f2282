"""The packed latencies of an owner's turns: kept beside the rows, and made anew where they lag.

Who changes a session's turns calls ``mark`` in the same transaction; ``history/summaries.py`` does.
Nothing is packed then: that is done when figures are asked for, and only of the sessions that have
changed. A deleted session needs no mark: its member is gone, which is seen by counting.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from uuid import UUID, uuid4

import numpy as np
from django.db.models import Count, F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from numpy.typing import NDArray

from history.models import LatencyBlock, LatencyMember, SessionSummary
from history.served import STAGES, served_by
from interaction.core.metrics import METRICS
from interaction.models import Session, Turn

BLOCK_SIZE = 500
"""Sessions a block. A page that follows a change unpacks and packs one block."""

FIRST, INTERRUPTED, FAILED = 1, 2, 4
"""Bits of a record's ``flags``. ``FIRST``: of the turns that were kept of its session."""
TURN = np.dtype(
    [
        ("session", "V16"),
        ("started", "f8"),  # Unix time
        ("served", "i4"),
        ("flags", "u1"),
        *((metric.name, "f8") for metric in METRICS),  # ms, NaN where unknown
    ]
)
LAYOUT = hashlib.sha256(repr(TURN.descr).encode()).hexdigest()[:16]

Served = tuple[str, ...]
"""Mode, then provider and model of each of ``STAGES``; empty where the turn had no such stage."""
NO_TURNS = np.empty(0, TURN)


@dataclass(frozen=True, slots=True)
class Block:
    """An up-to-date block."""

    pk: int
    stamp: UUID
    """Of its content."""


def mark(summaries: Iterable[SessionSummary]) -> None:
    """Note that the turns of these sessions have changed. The caller holds the sessions' locks."""
    by_id = {summary.session_id: summary for summary in summaries}
    members = LatencyMember.objects.filter(session__in=list(by_id))
    known = dict(members.values_list("session_id", "block_id"))
    by_block: dict[int, list[UUID]] = {}
    for session, block in known.items():
        by_block.setdefault(block, []).append(session)
    by_owner: dict[int, list[UUID]] = {}
    for session, summary in by_id.items():
        if session not in known and summary.turn_count:
            by_owner.setdefault(summary.owner_id, []).append(session)
    for owner, sessions in sorted(by_owner.items()):
        _assign(owner, sessions)
    for block, sessions in sorted(by_block.items()):
        members.filter(session__in=sessions).update(version=_raised(block))


def _assign(owner: int, sessions: list[UUID]) -> None:
    """Put sessions into the owner's newest block, and into new ones when it is full."""
    newest = LatencyBlock.objects.filter(owner=owner).order_by("-pk").values_list("pk", "size")
    while sessions:
        block, size = newest.first() or (0, BLOCK_SIZE)
        if size >= BLOCK_SIZE:
            block, size = LatencyBlock.objects.create(owner_id=owner).pk, 0
        fitting, sessions = sessions[: BLOCK_SIZE - size], sessions[BLOCK_SIZE - size :]
        version = _raised(block, len(fitting))
        LatencyMember.objects.bulk_create(
            [LatencyMember(session_id=pk, block_id=block, version=version) for pk in fitting]
        )


def _raised(block: int, more: int = 0) -> int:
    """Raise a block's version, and return it. The row stays locked until the transaction ends."""
    rows = LatencyBlock.objects.filter(pk=block)
    rows.update(version=F("version") + 1, size=F("size") + more)
    return rows.values_list("version", flat=True).get()


def up_to_date(owner: int) -> list[Block]:
    """The owner's blocks, those that lagged behind their rows made anew."""
    blocks = (
        _rebuilt(row["pk"]) if _lags(row) else Block(row["pk"], row["stamp"])
        for row in _states(LatencyBlock.objects.filter(owner=owner))
    )
    return [block for block in blocks if block]


def build_all() -> None:
    """Make anew what lags behind its rows, of all owners: after rows were written in bulk."""
    for row in _states(LatencyBlock.objects.all()):
        if _lags(row):
            _rebuilt(row["pk"])


def _states(blocks: QuerySet[LatencyBlock]) -> list[Any]:
    states = blocks.values("pk", "version", "built", "kept", "stamp", "layout")
    # Counted within the index of each block: joined and grouped it takes five times as long.
    members = LatencyMember.objects.filter(block=OuterRef("pk")).order_by().values("block")
    counted = Coalesce(Subquery(members.values(count=Count("*"))), 0)
    return list(states.annotate(members_now=counted).order_by("pk"))


def _lags(row: Mapping[str, Any]) -> bool:
    current = (row["version"], row["members_now"], LAYOUT)
    return (row["built"], row["kept"], row["layout"]) != current


def contents(blocks: Iterable[int]) -> Iterator[tuple[int, list[Served], NDArray[np.void]]]:
    """(block, who serves in it, its turns), of blocks that are up to date."""
    rows = LatencyBlock.objects.filter(pk__in=list(blocks), layout=LAYOUT)
    for pk, served, data in rows.values_list("pk", "served", "data"):
        yield pk, [tuple(one) for one in served], np.frombuffer(data, TURN)


def _rebuilt(pk: int) -> Block | None:
    """Read the turns of the sessions that have changed, and leave out those that are gone. None
    where the block itself is.

    What it reads is at least as new as the version that it began with, and it writes that one: a
    change that comes meanwhile is seen as one still to be read.
    """
    block = LatencyBlock.objects.filter(pk=pk).first()
    if block is None:
        return None
    known = block.layout == LAYOUT
    turns = np.frombuffer(block.data, TURN) if known else NO_TURNS
    served = {tuple(one): number for number, one in enumerate(block.served)} if known else {}
    members = dict(block.members.values_list("session_id", "version"))
    built = block.built if known else -1
    changed = [session for session, version in members.items() if version > built]
    staying = members.keys() - set(changed)
    stays = np.isin(ids(turns), np.array([session.bytes for session in staying], "S16"))
    turns = np.concatenate([turns[stays], records(changed, served)])
    stamp = uuid4()
    LatencyBlock.objects.filter(pk=pk).update(
        stamp=stamp,
        built=block.version,
        kept=len(members),
        layout=LAYOUT,
        served=list(served),
        data=turns.tobytes(),
    )
    return Block(pk, stamp)


def ids(turns: NDArray[np.void]) -> NDArray[np.bytes_]:
    """The bytes of the turns' sessions."""
    return np.ascontiguousarray(turns["session"]).view("S16")


def records(sessions: list[UUID], served: dict[Served, int]) -> NDArray[np.void]:
    """The turns of these sessions, read off their rows; who served them is added to ``served``."""
    settings = dict(Session.objects.filter(pk__in=sessions).values_list("pk", "settings"))
    columns = [f"latency__{metric.column}" for metric in METRICS]
    rows = Turn.objects.filter(session__in=sessions).order_by("session", "sequence")
    facts = ("session_id", "mode", "kind", "fallbacks", "started_at", "interrupted", "error")
    records = []
    for session, turns in groupby(rows.values(*facts, *columns), lambda row: row["session_id"]):
        for place, row in enumerate(turns):
            who = _served(settings.get(session, {}), row)
            flags = (not place) * FIRST + row["interrupted"] * INTERRUPTED
            flags += (row["error"] is not None) * FAILED
            latencies = (np.nan if row[name] is None else row[name] for name in columns)
            number = served.setdefault(who, len(served))
            started = row["started_at"].timestamp()
            records.append((session.bytes, started, number, flags, *latencies))
    return np.array(records, TURN)


def _served(settings: Mapping[str, Any], row: Mapping[str, Any]) -> Served:
    by_stage = served_by(settings, row["mode"], row["kind"], row["fallbacks"])
    servers = (by_stage.get(stage, ("", "")) for stage in STAGES)
    return (row["mode"], *(name for server in servers for name in server))

"""All turns of an owner as columns in this process's memory, and a selection of them.

They come from the packed blocks (``history/latency/blocks.py``); of what is here already, only the
blocks that have changed are read again.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple
from uuid import UUID

import numpy as np
from django.db.models import Aggregate, QuerySet, TextField
from numpy.typing import NDArray

from history.filters import SessionFilter
from history.latency import blocks
from history.latency.blocks import FAILED, FIRST, INTERRUPTED, NO_TURNS, Block, Served
from history.latency.statistics import Durations
from history.models import SessionSummary
from history.queries import summaries_of
from history.served import STAGES
from interaction.core.metrics import METRIC_NAMES

TOTAL = "total"
MEASURES = (*METRIC_NAMES, TOTAL)
"""The metrics, and the total that pages show: ``history.waterfall.total_ms``."""
MEMORY = 256 * 1024 * 1024
"""Bytes of columns that a process keeps, of all owners; a turn takes about 120."""


@dataclass(frozen=True, eq=False)
class Columns:
    """Turns, an entry each in every array."""

    session: NDArray[np.int32]
    """Which of ``sessions``."""
    sessions: NDArray[np.bytes_]
    """The bytes of the sessions' ids."""
    started: NDArray[np.float64]
    """Unix time."""
    served: NDArray[np.intp]
    """Which of ``servers``."""
    servers: list[Served]
    flags: NDArray[np.uint8]
    measures: dict[str, Durations]
    """By name, those of ``MEASURES``."""

    def __len__(self) -> int:
        return len(self.flags)

    @property
    def first(self) -> NDArray[np.bool_]:
        """The first turn of each session."""
        return (self.flags & FIRST).astype(np.bool_)

    @property
    def interrupted(self) -> int:
        return int(np.count_nonzero(self.flags & INTERRUPTED))

    @property
    def failed(self) -> int:
        return int(np.count_nonzero(self.flags & FAILED))

    @cached_property
    def _serves(self) -> NDArray[np.bool_]:
        """Which of ``servers`` served any of these turns."""
        return np.bincount(self.served, minlength=len(self.servers)) > 0

    def of_sessions(self, chosen: NDArray[np.bool_]) -> Columns:
        """The turns of the sessions for which ``chosen`` is true."""
        if chosen.all():
            return self
        turns = np.flatnonzero(chosen[self.session])
        number = np.cumsum(chosen, dtype=np.int32) - np.int32(1)
        return Columns(
            session=number[self.session[turns]],
            sessions=self.sessions[chosen],
            started=self.started[turns],
            served=self.served[turns],
            servers=self.servers,
            flags=self.flags[turns],
            measures={name: durations[turns] for name, durations in self.measures.items()},
        )

    def grouped_by(
        self, what: Literal["provider", "model", "mode"], stage: str | None = None
    ) -> tuple[NDArray[np.intp], list[Label]]:
        """The group of each turn by who served it, -1 for none, and the groups in order.

        ``stage``: one of ``STAGES``, whose provider or model it is.
        """
        labels = [_label(one, what, stage) for one in self.servers]
        groups = sorted(
            {label for label, here in zip(labels, self._serves, strict=True) if here and label}
        )
        numbers = [groups.index(label) if label in groups else -1 for label in labels]
        return np.array(numbers or [-1]).take(self.served), groups


class Label(NamedTuple):
    """What the turns of a group have in common; None: not that."""

    mode: str | None = None
    provider: str | None = None
    model: str | None = None


def _label(one: Served, what: str, stage: str | None) -> Label | None:
    if what == "mode":
        return Label(mode=one[0])
    at = 1 + 2 * STAGES.index(stage or "")
    if not one[at]:
        return None
    return Label(provider=one[at], model=one[at + 1] if what == "model" else None)


def of_session(pk: UUID) -> Columns:
    """The turns of one session, in their order, as its rows have them now."""
    served: dict[Served, int] = {}
    turns = blocks.records([pk], served)
    return _unpacked(list(served), turns)


def select(user: Any, wanted: SessionFilter) -> Columns:
    """The turns of the person's sessions that fit the filter."""
    found = wanted.filter(summaries_of(user))
    kept = _kept_of(user.pk)
    return kept.columns.of_sessions(kept.sessions.among(_packed_ids(found)))


class _PackedIds(Aggregate):
    """The ids of all rows in one value, one after the other: as bytes, or as hexadecimal text.

    A hundred thousand rows would take longer than all that is made of them.
    """

    output_field = TextField()

    def as_sqlite(self, compiler: Any, connection: Any, **more: Any) -> Any:
        return self.as_sql(compiler, connection, template="GROUP_CONCAT(%(expressions)s, '')")

    def as_postgresql(self, compiler: Any, connection: Any, **more: Any) -> Any:
        template = "ENCODE(STRING_AGG(UUID_SEND(%(expressions)s), ''::bytea), 'hex')"
        return self.as_sql(compiler, connection, template=template)


def _packed_ids(summaries: QuerySet[SessionSummary]) -> NDArray[np.bytes_]:
    text = summaries.order_by().aggregate(packed=_PackedIds("session_id"))["packed"]
    return np.frombuffer(bytes.fromhex(text or ""), "S16")


class _Ids:
    """Ids to look others up in: by the first half, which is a number; two that share it are
    rare."""

    def __init__(self, ids: NDArray[np.bytes_]) -> None:
        self._ids = ids
        halves = _halves(ids)
        self._order = np.argsort(halves[:, 0])
        self._first, self._second = halves[self._order].T.copy()
        self._alike = bool(np.any(self._first[1:] == self._first[:-1]))

    def among(self, wanted: NDArray[np.bytes_]) -> NDArray[np.bool_]:
        """Which of the ids are wanted."""
        if self._alike or not len(self._ids):
            return np.isin(self._ids, wanted)
        first, second = _halves(wanted).T
        places = np.minimum(np.searchsorted(self._first, first), len(self._ids) - 1)
        found = (self._first.take(places) == first) & (self._second.take(places) == second)
        among = np.zeros(len(self._ids), np.bool_)
        among[self._order[places[found]]] = True
        return among


def _halves(ids: NDArray[np.bytes_]) -> NDArray[np.uint64]:
    return ids.view(np.uint64).reshape(-1, 2)


@dataclass(frozen=True, slots=True)
class _Kept:
    """An owner's columns, and how many turns of them come from which block, in their order."""

    columns: Columns
    sessions: _Ids
    """Those of the columns."""
    lengths: dict[Block, int]


_kept: OrderedDict[int, _Kept] = OrderedDict()
"""By owner; who looked last is at the end."""
_lock = threading.Lock()


def _kept_of(owner: int) -> _Kept:
    current = blocks.up_to_date(owner)
    with _lock:
        kept = _kept.get(owner)
    if kept is None or list(kept.lengths) != current:
        kept = _read(current, kept)
    _keep(owner, kept)
    return kept


def _read(current: list[Block], kept: _Kept | None) -> _Kept:
    """Put together what is here and what must be read."""
    parts = _split(kept) if kept else {}
    missing = {block.pk: block for block in current if block not in parts}
    parts |= {
        missing[pk]: _unpacked(served, turns) for pk, served, turns in blocks.contents(missing)
    }
    present = [block for block in current if block in parts]
    columns = _joined([parts[block] for block in present])
    lengths = {block: len(parts[block]) for block in present}
    return _Kept(columns, _Ids(columns.sessions), lengths)


def _unpacked(servers: list[Served], turns: NDArray[np.void]) -> Columns:
    """The columns of a block's turns, whose sessions lie together."""
    ids = blocks.ids(turns)
    begins = np.ones(len(ids), np.bool_)
    begins[1:] = ids[1:] != ids[:-1]
    columns = {name: turns[name].astype(np.float64) for name in METRIC_NAMES}
    columns[TOTAL] = np.where(np.isnan(columns["ear"]), columns["e2e"], columns["ear"])
    return Columns(
        session=np.cumsum(begins, dtype=np.int32) - np.int32(1),
        sessions=ids[begins],
        started=turns["started"].astype(np.float64),
        served=turns["served"].astype(np.intp),
        servers=servers,
        flags=turns["flags"].astype(np.uint8),
        measures={name: Durations.of(ms) for name, ms in columns.items()},
    )


def _split(kept: _Kept) -> dict[Block, Columns]:
    """The parts of which they were joined; nothing is copied."""
    columns, start, parts = kept.columns, 0, {}
    for block, length in kept.lengths.items():
        of_block = slice(start, start := start + length)
        session = columns.session[of_block]
        first, last = (int(session[0]), int(session[-1])) if length else (0, -1)
        parts[block] = Columns(
            session=session - first,
            sessions=columns.sessions[first : last + 1],
            started=columns.started[of_block],
            served=columns.served[of_block],
            servers=columns.servers,
            flags=columns.flags[of_block],
            measures={name: part[of_block] for name, part in columns.measures.items()},
        )
    return parts


def _joined(parts: list[Columns]) -> Columns:
    servers: dict[Served, int] = {}
    served, session, sessions = [], [], 0
    for part in parts:
        numbers = [servers.setdefault(one, len(servers)) for one in part.servers]
        served.append(np.array(numbers or [0])[part.served])
        session.append(part.session + np.int32(sessions))
        sessions += len(part.sessions)
    parts = parts or [_unpacked([], NO_TURNS)]

    def join(arrays: Iterable[NDArray[Any]]) -> NDArray[Any]:
        return np.concatenate(list(arrays))

    return Columns(
        session=join(session or [parts[0].session]),
        sessions=join(part.sessions for part in parts),
        started=join(part.started for part in parts),
        served=join(served or [parts[0].served]),
        servers=list(servers),
        flags=join(part.flags for part in parts),
        measures={
            name: Durations(
                join(part.measures[name].ms for part in parts),
                join(part.measures[name].bucket for part in parts),
            )
            for name in MEASURES
        },
    )


def _keep(owner: int, kept: _Kept) -> None:
    """Remember it, and forget owners who have not looked for the longest."""
    with _lock:
        _kept[owner] = kept
        _kept.move_to_end(owner)
        while len(_kept) > 1 and sum(map(_size, _kept.values())) > MEMORY:
            _kept.popitem(last=False)


def _size(kept: _Kept) -> int:
    columns = kept.columns
    arrays = [columns.session, columns.sessions, columns.started, columns.served, columns.flags]
    for durations in columns.measures.values():
        arrays += [durations.ms, durations.bucket]
    return sum(array.nbytes for array in arrays)

"""The closed turns of a session on their way to the archive. The same for every engine."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from interaction.bus.background import Background
from interaction.bus.redis_client import CONNECTION_ERRORS, get_redis
from interaction.bus.stage_messages import StageRequest
from interaction.bus.watched_publisher import WatchedPublisher
from interaction.core.engine import SessionSpec
from interaction.core.records import TurnRecord
from interaction.turn_records.note_fields import Note, TurnOpening
from interaction.turn_records.turn_notes import TurnNotes

logger = logging.getLogger(__name__)

MOST_ATTEMPTS = 5
"""Losses of the archive with one turn after which only the sweep sees to it."""
CLOSING_PATIENCE = 60.0
"""Seconds for which a closed turn is offered to a Redis that is away."""
MOST_CLOSED = 32
"""Closed turns that are remembered, for facts that come late and for an archive that was lost."""

OnForgotten = Callable[[UUID], None]


@dataclass
class _Turn:
    opening: TurnOpening | None
    """None for a turn of another engine, which noted that itself."""
    is_open: bool = True
    """It has come to no end yet: no sweep may archive it."""
    record: TurnRecord | None = None
    """The latest one."""
    waiting: int = 0
    """Records of it that are not handed over yet: it is not forgotten before they are."""
    attempts: int = 0
    """Times that the archive was asked to write it."""
    losses: int = 0
    """Times that the archive was lost with it."""


class ArchiveQueue:
    """Knows a session's turns from their opening until a while after their end.

    The archive writes a turn from what is in Redis: notes and streams of audio. Who serves a turn
    writes those, ``opening`` first; here the record is added and the archive is asked.
    """

    def __init__(
        self,
        spec: SessionSpec,
        stages: WatchedPublisher,
        on_forgotten: OnForgotten | None = None,
    ) -> None:
        """``on_forgotten`` is called with each turn of which nothing more is wanted."""
        self.channel = ""
        """Where the archive's reports are to go."""
        self._spec = spec
        self._stages = stages
        self._on_forgotten = on_forgotten
        self._now = asyncio.get_running_loop().time
        self._records: asyncio.Queue[tuple[TurnRecord, float]] = asyncio.Queue()
        """With the time at which each is given up."""
        self._turns: dict[UUID, _Turn] = {}
        self._first_sequence: int | None = None
        """Number of the first turn that was opened here."""
        self._closed: OrderedDict[UUID, None] = OrderedDict()
        """The turns that have come to an end, the latest last."""
        self._background = Background("archive queue", log_facts={"session": spec.session_id})

    def start(self, channel: str) -> None:
        self.channel = channel
        self._redis = get_redis()
        self._background.start_loop("archive", self._archive_next, on_error="continue", pause=0)

    def open_turn(self, turn_id: UUID, sequence: int, kind: Literal["speech", "text"]) -> None:
        """From now on the sweep leaves it alone."""
        self._first_sequence = self._first_sequence or sequence
        self._turns[turn_id] = _Turn(
            TurnOpening(
                session=self._spec.session_id,
                sequence=sequence,
                kind=kind,
                mode=self._spec.mode,
                started_at=time.time(),
                recording=self._spec.recording,
            )
        )

    def __contains__(self, turn_id: object) -> bool:
        return turn_id in self._turns

    def opening(self, turn_id: UUID) -> TurnOpening:
        """The first notes of a turn of this engine."""
        opening = self._turns[turn_id].opening
        assert opening is not None
        return opening

    def drop_turn(self, turn_id: UUID) -> None:
        """It came to nothing; ``close_turn`` follows once that is written."""
        self._turns[turn_id].is_open = False

    def close_turn(self, turn_id: UUID) -> None:
        """Nothing more is to be done for it now: it is remembered for a while only."""
        turn = self._turns.get(turn_id)
        if turn is None:
            return
        turn.is_open = False
        if turn.waiting > 0:
            return
        self._closed[turn_id] = None
        self._closed.move_to_end(turn_id)
        while len(self._closed) > MOST_CLOSED:
            oldest, _ = self._closed.popitem(last=False)
            del self._turns[oldest]
            if self._on_forgotten:
                self._on_forgotten(oldest)

    def open_turns(self) -> list[UUID]:
        return [turn_id for turn_id, turn in self._turns.items() if turn.is_open]

    def enqueue(self, record: TurnRecord) -> None:
        """The turn is closed, or more is known of it. One from before the first that was opened
        here was served by the engine before, and is archived already; of another one that is not
        known any more, nothing more is kept."""
        turn = self._turns.get(record.turn_id)
        if turn is None and record.sequence >= (self._first_sequence or record.sequence + 1):
            return
        if turn is None:
            turn = self._turns[record.turn_id] = _Turn(opening=None, is_open=False)
        turn.record = record
        turn.waiting += 1
        self._closed.pop(record.turn_id, None)
        self._records.put_nowait((record, self._now() + CLOSING_PATIENCE))

    def retry(self, turn_id: UUID) -> bool:
        """The archive was lost with this turn, and Redis may have lost all it knew of it: hand it
        over again. Returns whether this is the first time."""
        turn = self._turns.get(turn_id)
        if turn is None:
            return False
        turn.losses += 1
        if turn.record and turn.losses < MOST_ATTEMPTS:
            self.enqueue(turn.record)
        return turn.losses == 1

    async def wait_until_empty(self) -> None:
        """Wait until everything is handed over."""
        await self._records.join()

    async def stop(self) -> None:
        await self._background.stop()

    async def _archive_next(self) -> None:
        """Hand a closed turn over. Facts about it that come late come the same way."""
        record, give_up_at = await self._records.get()
        try:
            await self._hand_over(record, give_up_at)
        except Exception as error:
            facts = {"session": self._spec.session_id, "turn": record.turn_id}
            logger.error("turn not archived: %s", type(error).__name__, extra=facts)
            if not isinstance(error, CONNECTION_ERRORS):
                raise
        finally:
            self._records.task_done()
            if turn := self._turns.get(record.turn_id):
                turn.waiting -= 1
            # Archived or not: what nobody refreshes any more, the sweep archives.
            self.close_turn(record.turn_id)

    async def _hand_over(self, record: TurnRecord, give_up_at: float) -> None:
        turn = self._turns.get(record.turn_id)
        if turn is None:
            return  # forgotten meanwhile
        notes = TurnNotes(self._redis, record.turn_id)
        patience = give_up_at - self._now()
        if turn.opening:
            await notes.open(turn.opening, Note.record(record), patience=patience)
        else:
            await notes.write(Note.record(record))
        turn.is_open = False
        turn.attempts += 1
        request = StageRequest(
            self._spec, record.turn_id, self.channel, "archive", index=turn.attempts
        )
        await self._stages.publish(request, max(0.0, give_up_at - self._now()))

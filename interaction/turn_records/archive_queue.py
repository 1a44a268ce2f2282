"""Hands closed turns to the archive, and again where it was lost. The same for every engine."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from django.utils.translation import gettext as _

from interaction.bus.publisher import NotPublished, publisher
from interaction.bus.redis_client import CONNECTION_ERRORS, get_redis
from interaction.bus.stage_messages import StageRequest, dump
from interaction.bus.stage_watchdog import START_WITHIN, StageWatchdog
from interaction.core.engine import SessionSpec
from interaction.core.records import TurnRecord
from interaction.core.types import Stage
from interaction.turn_records.turn_notes import TurnNotes

logger = logging.getLogger(__name__)

MOST_ATTEMPTS = 5
"""How often a turn is handed to the archive, before the sweep alone sees to it."""
CLOSING_PATIENCE = 60.0
"""Seconds for which a finished turn is offered to a broken Redis."""


class Failing(Protocol):
    """Says that a turn (or a reply of it) failed, for which reason."""

    def __call__(
        self, turn: UUID, stage: Stage, code: str, message: str, reply: UUID | None = None
    ) -> None: ...


@dataclass
class _Kept:
    facts: dict[str, Any]
    live: bool = True
    record: TurnRecord | None = None
    archived: int = 0
    """How often it was handed to the archive."""
    lost: int = 0
    """How often the archive was lost with it, in vain."""


class ArchiveQueue:
    """What the archive writes a turn from stands in Redis: notes, and streams of audio. Whoever
    serves a turn opens its notes with ``facts`` and writes the streams; here it is handed over."""

    def __init__(self, spec: SessionSpec, watch: StageWatchdog, fail: Failing) -> None:
        self.channel = ""
        """Where news is to go."""
        self._spec = spec
        self._watch = watch
        self._fail = fail
        self._now = asyncio.get_running_loop().time
        self._records: asyncio.Queue[tuple[TurnRecord, float]] = asyncio.Queue()
        self._turns: dict[UUID, _Kept] = {}
        self._beside: set[asyncio.Task[None]] = set()
        self._worker: asyncio.Task[None] | None = None

    def start(self, channel: str) -> None:
        self.channel = channel
        self._redis = get_redis()
        self._worker = asyncio.create_task(self._archive())

    def begin(self, turn_id: UUID, sequence: int, kind: str) -> None:
        """A turn opens: from now on the sweep leaves it alone."""
        facts = {
            "session": str(self._spec.session_id),
            "sequence": sequence,
            "kind": kind,
            "mode": self._spec.mode,
            "started_at": time.time(),
            "recording": self._spec.recording,
        }
        self._turns[turn_id] = _Kept(facts)

    def __contains__(self, turn_id: object) -> bool:
        return turn_id in self._turns

    def facts(self, turn_id: UUID) -> dict[str, Any]:
        """What the archive needs to know of a turn if Redis forgets everything else."""
        return self._turns[turn_id].facts

    def dropped(self, turn_id: UUID) -> None:
        """It came to nothing."""
        self._turns[turn_id].live = False

    def forget(self, turn_id: UUID) -> None:
        """It is no turn to be kept."""
        self._turns.pop(turn_id, None)

    def open_turns(self) -> list[UUID]:
        """Those that the archive must leave alone."""
        return [turn_id for turn_id, turn in self._turns.items() if turn.live]

    def put(self, record: TurnRecord) -> None:
        """The turn is closed, or more is known of it."""
        self._turns[record.turn_id].record = record
        self._records.put_nowait((record, self._now() + CLOSING_PATIENCE))

    def again(self, turn_id: UUID) -> bool:
        """The archive was lost with this turn. Redis may have lost all it knew of it, too: say it
        again. Returns whether this is the first time."""
        turn = self._turns[turn_id]
        turn.lost += 1
        if turn.record and turn.lost < MOST_ATTEMPTS:
            self._records.put_nowait((turn.record, self._now() + CLOSING_PATIENCE))
        return turn.lost == 1

    async def done(self) -> None:
        """Wait until everything is handed over."""
        await self._records.join()
        await asyncio.gather(*self._beside)

    def stop(self) -> None:
        for task in [*([self._worker] if self._worker else []), *self._beside]:
            task.cancel()

    def beside(self, work: Coroutine[Any, Any, None]) -> None:
        """Have something done that nothing waits for, but ``done``."""
        task = asyncio.create_task(work)
        self._beside.add(task)
        task.add_done_callback(self._beside.discard)

    async def publish(self, ticket: StageRequest, patience: float, **kwargs: Any) -> None:
        try:
            await publisher().publish(ticket, patience, **kwargs)
        except NotPublished:
            self._watch.finished(ticket.job)
            message = _("The task queue does not answer. Please try again.")
            self._fail(ticket.turn_id, ticket.stage, "queue_unavailable", message, ticket.reply_id)
        else:
            self._watch.sent(ticket.job, self._now())

    async def _archive(self) -> None:
        """Hand closed turns over. Later facts about a turn come the same way."""
        while True:
            record, give_up_at = await self._records.get()
            try:
                await self._hand_over(record, give_up_at)
            except CONNECTION_ERRORS as error:
                facts = {"session": self._spec.session_id, "turn": record.turn_id}
                logger.error("turn not archived: %s", type(error).__name__, extra=facts)
            finally:
                self._records.task_done()

    async def _hand_over(self, record: TurnRecord, give_up_at: float) -> None:
        turn = self._turns[record.turn_id]
        notes = TurnNotes(self._redis, record.turn_id)
        await notes.open({**turn.facts, "record": dump(record)}, give_up_at - self._now())
        turn.live = False
        turn.archived += 1
        ticket = StageRequest(self._spec, record.turn_id, self.channel, "archive", n=turn.archived)
        patience = max(0.0, give_up_at - self._now())
        self._watch.queued(ticket.job, self._now(), within=patience + START_WITHIN)
        await self.publish(ticket, patience)

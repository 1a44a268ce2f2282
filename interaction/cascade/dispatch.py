"""Carries out a session's orders, one after the other: turns into streams, marks and tasks."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from django.utils.translation import gettext as _

from interaction.cascade.cancelling import cancel
from interaction.cascade.commitment import commit
from interaction.cascade.connections import BROKEN, PATIENCE, redis
from interaction.cascade.liveness import START_WITHIN, Watch
from interaction.cascade.notes import Notes
from interaction.cascade.orders import Order, Orders
from interaction.cascade.publisher import NotPublished, publisher
from interaction.cascade.streams import Kind, Writer, turn_key
from interaction.cascade.ticket import Ticket, dump, dump_context
from interaction.core import effects as out
from interaction.core.effects import TurnRecord
from interaction.core.signals import FRAME_SAMPLES, Stage
from interaction.crashes import log_crash
from interaction.engine import SessionSpec

logger = logging.getLogger(__name__)

PIECE = 2 * FRAME_SAMPLES * 2
"""Bytes of an entry, 64 ms: half the load of one entry a frame, and soon enough."""
LARGEST_PIECE = 32_768
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
class _Sent:
    """A turn, as far as it was sent."""

    facts: dict[str, Any]
    """What the archive needs to know of it if Redis forgets everything else."""
    writer: Writer
    pending: bytes = b""
    live: bool = True
    record: TurnRecord | None = None
    archived: int = 0
    """How often it was handed to the archive."""
    lost: int = 0
    """How often the archive was lost with it, in vain."""


class Dispatch:
    def __init__(self, spec: SessionSpec, watch: Watch, fail: Failing) -> None:
        self.channel = ""
        """Where the stages' news is to go."""
        self._spec = spec
        self._watch = watch
        self._fail = fail
        self._now = asyncio.get_running_loop().time
        self._orders = Orders()
        self._records: asyncio.Queue[tuple[TurnRecord, float]] = asyncio.Queue()
        self._turns: dict[UUID, _Sent] = {}
        self._publishing: set[asyncio.Task[None]] = set()
        self._workers: list[asyncio.Task[None]] = []

    def start(self, channel: str) -> None:
        self.channel = channel
        self._redis = redis()
        self._workers = [asyncio.create_task(self._work()), asyncio.create_task(self._archive())]

    def put(self, order: Order) -> UUID | None:
        """Take an order. Returns a turn's id where some of its audio had to go for that."""
        if isinstance(order, out.OpenTurn):
            self._begin(order.turn_id, order.sequence, "speech")
        elif isinstance(order, out.Respond) and not order.spoken:
            self._begin(order.turn_id, order.sequence, "text")
        elif isinstance(order, out.DropTurn) and order.turn_id in self._turns:
            self._turns[order.turn_id].live = False
        if order.turn_id not in self._turns:
            return None
        dropped = self._orders.put(order)
        return dropped.turn_id if dropped else None

    async def taken(self) -> None:
        await self._orders.done()

    def open_turns(self) -> list[UUID]:
        """Those that the archive must leave alone."""
        return [turn_id for turn_id, turn in self._turns.items() if turn.live]

    async def stop(self) -> None:
        """Carry everything out that was asked for, however long (a minute at most) that takes."""
        try:
            async with asyncio.timeout(CLOSING_PATIENCE):
                if self._workers:
                    await self._orders.done()
                await self._records.join()
                await asyncio.gather(*self._publishing)
        except TimeoutError:
            logger.error("turns left to the sweep", extra={"session": self._spec.session_id})
        finally:
            for task in [*self._workers, *self._publishing]:
                task.cancel()

    def _begin(self, turn_id: UUID, sequence: int, kind: str) -> None:
        session = self._spec.session_id
        facts = {
            "session": str(session),
            "sequence": sequence,
            "kind": kind,
            "started_at": time.time(),
            "recording": self._spec.recording,
        }
        writer = Writer(self._redis, turn_key(turn_id), session, turn_id)
        self._turns[turn_id] = _Sent(facts, writer)

    async def _work(self) -> None:
        while True:
            order = await self._orders.get()
            try:
                await self._carry_out(order, self._turns[order.turn_id])
            except BROKEN:
                self._give_up(order)
            except Exception as error:
                log_crash(logger, error, {"session": self._spec.session_id, "turn": order.turn_id})
                self._give_up(order)

    async def _carry_out(self, order: Order, turn: _Sent) -> None:
        notes = Notes(self._redis, order.turn_id)
        match order:
            case TurnRecord():
                turn.record = order
                self._records.put_nowait((order, self._now() + CLOSING_PATIENCE))
            case out.OpenTurn(turn_id):
                await notes.open(turn.facts)
                self._enqueue(Ticket(self._spec, turn_id, self.channel, "stt"))
            case out.SendAudio(pcm=pcm):
                turn.pending += pcm
                await self._send_audio(turn, least=PIECE)
            case out.FlushTurn():
                await self._send_mark(turn, Kind.FLUSH, _wanted(order))
            case out.EndTurn(flushed=flushed):
                await self._send_mark(turn, Kind.END, {**_wanted(order), "flushed": flushed})
                if flushed:
                    await commit(self._redis, order.reply_id)
                await notes.write(reply=str(order.reply_id))
            case out.TranscribeTurn():
                await self._send_mark(turn, Kind.END, {"reply": None, "flushed": False})
            case out.Respond(turn_id, _, reply_id, context, manner):
                await self._note_request(notes, turn, order)
                ticket = Ticket(self._spec, turn_id, self.channel, "llm", reply_id, manner=manner)
                self._enqueue(ticket, context=dump_context(context))
            case out.CancelReply(reply_id=reply_id):
                await cancel(self._redis, reply_id)
            case out.DropTurn(turn_id):
                await cancel(self._redis, turn_id)
                await notes.forget([turn_key(turn_id)], archived=False)

    async def _send_audio(self, turn: _Sent, least: int) -> None:
        while turn.pending and len(turn.pending) >= least:
            piece, turn.pending = turn.pending[:LARGEST_PIECE], turn.pending[LARGEST_PIECE:]
            await turn.writer.append(Kind.AUDIO, piece)

    async def _send_mark(self, turn: _Sent, kind: Kind, mark: dict[str, Any]) -> None:
        await self._send_audio(turn, least=0)
        await turn.writer.mark(kind, mark)

    async def _note_request(self, notes: Notes, turn: _Sent, order: out.Respond) -> None:
        """Of a reply beside the conversation nothing is kept, so nothing is noted."""
        reply = {"reply": str(order.reply_id)}
        if order.spoken:
            await notes.write(**reply)
        elif not order.aside:
            last = order.context[-1] if order.context else None
            said = last.content if last and last.role == "user" else ""
            await notes.open({**turn.facts, **reply, "transcript": said})

    def _give_up(self, order: Order) -> None:
        """An order could not be carried out, however patiently: its turn is lost."""
        if isinstance(order, out.CancelReply | out.DropTurn | TurnRecord):
            return
        message = _("Redis does not answer. Please try again.")
        if isinstance(order, out.Respond):
            self._fail(order.turn_id, "llm", "redis_unavailable", message, order.reply_id)
        else:
            self._fail(order.turn_id, "stt", "redis_unavailable", message)

    def free(self, turn_id: UUID) -> None:
        """Nobody waits any more for the reply beside the conversation that has this turn's id."""
        if self._turns.pop(turn_id, None):
            self._spawn(self._free(turn_id))

    async def _free(self, turn_id: UUID) -> None:
        with contextlib.suppress(*BROKEN):
            await Notes(self._redis, turn_id).free()

    def _enqueue(self, ticket: Ticket, **kwargs: Any) -> None:
        """Beside the orders: audio need not wait for it."""
        self._watch.queued(ticket.job, self._now(), within=PATIENCE + START_WITHIN)
        self._spawn(self._publish(ticket, PATIENCE, **kwargs))

    def archive_again(self, turn_id: UUID) -> bool:
        """The archive was lost with this turn. Redis may have lost all it knew of it, too: say it
        again. Returns whether this is the first time."""
        turn = self._turns[turn_id]
        turn.lost += 1
        if turn.record and turn.lost < MOST_ATTEMPTS:
            self._records.put_nowait((turn.record, self._now() + CLOSING_PATIENCE))
        return turn.lost == 1

    def cancel(self, subject: UUID) -> None:
        """Stop the stages of a turn or reply, without waiting for the orders before."""
        self._spawn(self._cancel(subject))

    async def _cancel(self, subject: UUID) -> None:
        with contextlib.suppress(*BROKEN):
            await cancel(self._redis, subject)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._publishing.add(task)
        task.add_done_callback(self._publishing.discard)

    async def _publish(self, ticket: Ticket, patience: float, **kwargs: Any) -> None:
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
            except BROKEN as error:
                facts = {"session": self._spec.session_id, "turn": record.turn_id}
                logger.error("turn not archived: %s", type(error).__name__, extra=facts)
            finally:
                self._records.task_done()

    async def _hand_over(self, record: TurnRecord, give_up_at: float) -> None:
        turn = self._turns[record.turn_id]
        notes = Notes(self._redis, record.turn_id)
        await notes.open({**turn.facts, "record": dump(record)}, give_up_at - self._now())
        turn.live = False
        turn.archived += 1
        ticket = Ticket(self._spec, record.turn_id, self.channel, "archive", n=turn.archived)
        patience = max(0.0, give_up_at - self._now())
        self._watch.queued(ticket.job, self._now(), within=patience + START_WITHIN)
        await self._publish(ticket, patience)


def _wanted(order: out.FlushTurn | out.EndTurn) -> dict[str, Any]:
    return {
        "reply": str(order.reply_id),
        "context": dump_context(order.context),
        "manner": dump(order.manner),
    }

"""Carries out a session's orders, one after the other: turns into streams, marks and tasks."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from interaction.bus.audio_streams import Kind, StreamWriter, turn_key
from interaction.bus.cancellation import cancel
from interaction.bus.redis_client import CONNECTION_ERRORS, RETRY_FOR, get_redis
from interaction.bus.stage_messages import StageRequest, dump, dump_context
from interaction.bus.stage_watchdog import START_WITHIN, StageWatchdog
from interaction.cascade.commit_gate import open_commit_gate
from interaction.cascade.order_queue import Order, OrderQueue
from interaction.core.engine import SessionSpec
from interaction.core.orders import (
    CancelReply,
    DropTurn,
    EndTurn,
    FlushTurn,
    OpenTurn,
    Respond,
    SendAudio,
    TranscribeTurn,
)
from interaction.core.records import TurnRecord
from interaction.core.types import FRAME_SAMPLES, Stage
from interaction.safe_logging import log_crash
from interaction.turn_records.archive_queue import CLOSING_PATIENCE, ArchiveQueue, Failing
from interaction.turn_records.turn_notes import TurnNotes

logger = logging.getLogger(__name__)

PIECE = 2 * FRAME_SAMPLES * 2
"""Bytes of an entry, 64 ms: half the load of one entry a frame, and soon enough."""
LARGEST_PIECE = 32_768
FREED_WITHIN = 5.0
"""Seconds that the stages of a reply which is not kept have to stop."""


@dataclass
class _Sent:
    """A turn's audio, as far as it was sent."""

    writer: StreamWriter
    pending: bytes = b""


class TurnWriter:
    def __init__(self, spec: SessionSpec, watch: StageWatchdog, fail: Failing) -> None:
        self._spec = spec
        self._watch = watch
        self._fail = fail
        self._now = asyncio.get_running_loop().time
        self._orders = OrderQueue()
        self._turns: dict[UUID, _Sent] = {}
        self._handover = ArchiveQueue(spec, watch, fail)
        self._worker: asyncio.Task[None] | None = None

    def start(self, channel: str) -> None:
        self._redis = get_redis()
        self._handover.start(channel)
        self._worker = asyncio.create_task(self._work())

    def put(self, order: Order) -> UUID | None:
        """Take an order. Returns a turn's id where some of its audio had to go for that."""
        if isinstance(order, OpenTurn):
            self._begin(order.turn_id, order.sequence, "speech")
        elif isinstance(order, Respond) and not order.spoken:
            self._begin(order.turn_id, order.sequence, "text")
        elif isinstance(order, DropTurn) and order.turn_id in self._turns:
            self._handover.dropped(order.turn_id)
        if order.turn_id not in self._turns:
            return None
        dropped = self._orders.put(order)
        return dropped.turn_id if dropped else None

    async def wait_until_executed(self) -> None:
        await self._orders.done()

    def open_turns(self) -> list[UUID]:
        """Those that the archive must leave alone."""
        return self._handover.open_turns()

    async def stop(self) -> None:
        """Carry everything out that was asked for, however long (a minute at most) that takes."""
        try:
            async with asyncio.timeout(CLOSING_PATIENCE):
                if self._worker:
                    await self._orders.done()
                await self._handover.done()
        except TimeoutError:
            logger.error("turns left to the sweep", extra={"session": self._spec.session_id})
        finally:
            if self._worker:
                self._worker.cancel()
            self._handover.stop()

    def _begin(self, turn_id: UUID, sequence: int, kind: str) -> None:
        self._handover.begin(turn_id, sequence, kind)
        writer = StreamWriter(self._redis, turn_key(turn_id), self._spec.session_id, turn_id)
        self._turns[turn_id] = _Sent(writer)

    async def _work(self) -> None:
        while True:
            order = await self._orders.get()
            if (turn := self._turns.get(order.turn_id)) is None:
                continue  # of a reply beside the conversation that nobody waits for any more
            try:
                await self._carry_out(order, turn)
            except CONNECTION_ERRORS:
                self._give_up(order)
            except Exception as error:
                log_crash(logger, error, {"session": self._spec.session_id, "turn": order.turn_id})
                self._give_up(order)

    async def _carry_out(self, order: Order, turn: _Sent) -> None:
        notes = TurnNotes(self._redis, order.turn_id)
        match order:
            case TurnRecord():
                self._handover.put(order)
            case OpenTurn(turn_id):
                await notes.open(self._handover.facts(turn_id))
                self._enqueue(self._ticket(turn_id, "stt"))
            case SendAudio(pcm=pcm):
                turn.pending += pcm
                await self._send_audio(turn, least=PIECE)
            case FlushTurn():
                await self._send_mark(turn, Kind.FLUSH, _wanted(order))
            case EndTurn(flushed=flushed):
                await self._send_mark(turn, Kind.END, {**_wanted(order), "flushed": flushed})
                if flushed:
                    await open_commit_gate(self._redis, order.reply_id)
                await notes.write(reply=str(order.reply_id))
            case TranscribeTurn():
                await self._send_mark(turn, Kind.END, {"reply": None, "flushed": False})
            case Respond(turn_id, _, reply_id, context, options):
                await self._note_request(notes, order)
                ticket = self._ticket(turn_id, "llm", reply_id, options=options)
                self._enqueue(ticket, context=dump_context(context))
            case CancelReply(reply_id=reply_id):
                await cancel(self._redis, reply_id)
            case DropTurn(turn_id):
                await cancel(self._redis, turn_id)
                await notes.forget([turn_key(turn_id)], archived=False)

    async def _send_audio(self, turn: _Sent, least: int) -> None:
        while turn.pending and len(turn.pending) >= least:
            piece, turn.pending = turn.pending[:LARGEST_PIECE], turn.pending[LARGEST_PIECE:]
            await turn.writer.append(Kind.AUDIO, piece)

    async def _send_mark(self, turn: _Sent, kind: Kind, mark: dict[str, Any]) -> None:
        await self._send_audio(turn, least=0)
        await turn.writer.mark(kind, mark)

    def _ticket(self, turn_id: UUID, stage: Stage, *more: Any, **facts: Any) -> StageRequest:
        return StageRequest(self._spec, turn_id, self._handover.channel, stage, *more, **facts)

    async def _note_request(self, notes: TurnNotes, order: Respond) -> None:
        """Of a reply beside the conversation nothing is kept, so nothing is noted."""
        reply = {"reply": str(order.reply_id)}
        if order.spoken:
            await notes.write(**reply)
        elif not order.out_of_band:
            last = order.context[-1] if order.context else None
            said = last.content if last and last.role == "user" else ""
            facts = self._handover.facts(order.turn_id)
            await notes.open({**facts, **reply, "transcript": said})

    def _give_up(self, order: Order) -> None:
        """An order could not be carried out, however patiently: its turn is lost."""
        if isinstance(order, CancelReply | DropTurn | TurnRecord):
            return
        message = _("Redis does not answer. Please try again.")
        if isinstance(order, Respond):
            self._fail(order.turn_id, "llm", "redis_unavailable", message, order.reply_id)
        else:
            self._fail(order.turn_id, "stt", "redis_unavailable", message)

    def free(self, turn_id: UUID) -> None:
        """Nobody waits any more for the reply beside the conversation that has this turn's id."""
        if self._turns.pop(turn_id, None):
            self._handover.forget(turn_id)
            self._handover.beside(self._free(turn_id))

    async def _free(self, turn_id: UUID) -> None:
        """Have its stages stop, then take away what they leave."""
        notes = TurnNotes(self._redis, turn_id)
        with contextlib.suppress(*CONNECTION_ERRORS):
            await cancel(self._redis, turn_id)
            await notes.settled(FREED_WITHIN)
            await notes.free()

    def _enqueue(self, ticket: StageRequest, **kwargs: Any) -> None:
        """Beside the orders: audio need not wait for it."""
        self._watch.queued(ticket.job, self._now(), within=RETRY_FOR + START_WITHIN)
        self._handover.beside(self._handover.publish(ticket, RETRY_FOR, **kwargs))

    def archive_again(self, turn_id: UUID) -> bool:
        """The archive was lost with this turn. Returns whether this is the first time."""
        return self._handover.again(turn_id)

    def cancel(self, subject: UUID) -> None:
        """Stop the stages of a turn or reply, without waiting for the orders before."""
        self._handover.beside(self._cancel(subject))

    async def _cancel(self, subject: UUID) -> None:
        with contextlib.suppress(*CONNECTION_ERRORS):
            await cancel(self._redis, subject)


def _wanted(order: FlushTurn | EndTurn) -> dict[str, Any]:
    return {
        "reply": str(order.reply_id),
        "context": dump_context(order.context),
        "options": dump(order.options),
    }

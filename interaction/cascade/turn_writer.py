"""Executes a session's orders, one after the other: turns become streams, marks, notes and tasks.

Cancelling a reply overtakes them all: it must not wait for audio on its way to a slow Redis.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from django.utils.translation import gettext as _

from interaction.bus.audio_streams import Kind
from interaction.bus.background import Background
from interaction.bus.cancellation import cancel
from interaction.bus.redis_client import CONNECTION_ERRORS, get_redis
from interaction.bus.stage_messages import StageRequest, dump, dump_context
from interaction.bus.stage_watchdog import StageWatchdog
from interaction.bus.watched_publisher import OnFailure, WatchedPublisher
from interaction.cascade.commit_gate import open_commit_gate
from interaction.cascade.order_queue import Order, OrderQueue
from interaction.core.engine import SessionSpec
from interaction.core.orders import (
    CancelReply,
    DropTurn,
    EndTurn,
    FlushTurn,
    GiveFloor,
    NotePlayback,
    OpenTurn,
    Respond,
    SendAudio,
    TranscribeTurn,
)
from interaction.core.records import TurnRecord
from interaction.core.types import Stage
from interaction.safe_logging import log_crash
from interaction.turn_records.archive_queue import CLOSING_PATIENCE, ArchiveQueue, OnForgotten
from interaction.turn_records.note_fields import Note
from interaction.turn_records.recorder import TurnRecording
from interaction.turn_records.turn_notes import TurnNotes

logger = logging.getLogger(__name__)

DISCARDED_WITHIN = 5.0
"""Seconds that the stages of a reply which is not kept have to stop."""


@dataclass(eq=False)
class _Turn:
    recording: TurnRecording
    cancelled: set[UUID] = field(default_factory=set)
    """Replies of which nothing is wanted any more."""


class TurnWriter:
    def __init__(
        self,
        spec: SessionSpec,
        watchdog: StageWatchdog,
        on_failure: OnFailure,
        on_forgotten: OnForgotten,
    ) -> None:
        """``on_forgotten`` is called with each turn of which nothing more is wanted."""
        self._spec = spec
        self._on_failure = on_failure
        self._on_forgotten = on_forgotten
        self._orders = OrderQueue()
        self._turns: dict[UUID, _Turn] = {}
        self._stages = WatchedPublisher(watchdog, on_failure)
        self._archive_queue = ArchiveQueue(spec, self._stages, self._forget)
        self._background = Background("turn writer", log_facts={"session": spec.session_id})

    def start(self, channel: str) -> None:
        self._redis = get_redis()
        self._archive_queue.start(channel)
        self._background.start_loop(
            "execute orders", self._execute_next, on_error="continue", pause=0
        )

    def enqueue(self, order: Order | CancelReply) -> UUID | None:
        """Execute an order behind those before it; ``CancelReply`` at once. For a turn that is not
        known (any more), nothing is executed but a record's archiving.

        Returns a turn's id where some of its audio had to be dropped for that.
        """
        if isinstance(order, OpenTurn):
            self._open_turn(order.turn_id, order.sequence, "speech")
        elif isinstance(order, Respond) and not order.spoken:
            self._open_turn(order.turn_id, order.sequence, "text")
        turn = self._turns.get(order.turn_id)
        if turn is None:
            if isinstance(order, TurnRecord):
                self._archive_queue.enqueue(order)  # what is learnt of another engine's turn
            return None
        if isinstance(order, CancelReply):
            turn.cancelled.add(order.reply_id)
            self.cancel_stages(order.reply_id)
            return None
        if isinstance(order, DropTurn):
            self._archive_queue.drop_turn(order.turn_id)
        dropped = self._orders.enqueue(order)
        return dropped.turn_id if dropped else None

    async def wait_until_executed(self) -> None:
        await self._orders.wait_until_executed()

    def open_turns(self) -> list[UUID]:
        """Turns that must not be taken for abandoned."""
        return self._archive_queue.open_turns()

    def retry_archiving(self, turn_id: UUID) -> bool:
        """The archive was lost with this turn. Returns whether this is the first time."""
        return self._archive_queue.retry(turn_id)

    def cancel_stages(self, subject: UUID) -> None:
        """Stop the stages of a turn or a reply, without waiting for the orders before."""
        self._background.start_job(self._cancel(subject), name="cancel")

    def discard_turn(self, turn_id: UUID) -> None:
        """The out-of-band reply that has this turn to itself is over: keep nothing of it."""
        if self._turns.pop(turn_id, None):
            self._archive_queue.drop_turn(turn_id)
            self._background.start_job(self._discard(turn_id), name="discard")

    async def stop(self) -> None:
        """Execute everything that was ordered, for ``CLOSING_PATIENCE`` at most."""
        try:
            async with asyncio.timeout(CLOSING_PATIENCE):
                await self._orders.wait_until_executed()
                await self._background.drain()
                await self._archive_queue.wait_until_empty()
        except TimeoutError:
            logger.error("turns left to the sweep", extra={"session": self._spec.session_id})
        finally:
            await self._background.stop()
            await self._archive_queue.stop()

    def _open_turn(self, turn_id: UUID, sequence: int, kind: Literal["speech", "text"]) -> None:
        self._archive_queue.open_turn(turn_id, sequence, kind)
        recording = TurnRecording(self._redis, self._spec.session_id, turn_id)
        self._turns[turn_id] = _Turn(recording)

    def _forget(self, turn_id: UUID) -> None:
        self._turns.pop(turn_id, None)
        self._on_forgotten(turn_id)

    async def _execute_next(self) -> None:
        order = await self._orders.next_order()
        turn = self._turns.get(order.turn_id)
        if turn is None:
            return  # it was discarded meanwhile
        try:
            await self._execute(order, turn)
        except CONNECTION_ERRORS:
            self._fail(order)
        except Exception as error:
            log_crash(logger, error, {"session": self._spec.session_id, "turn": order.turn_id})
            self._fail(order)

    async def _execute(self, order: Order, turn: _Turn) -> None:
        recording = turn.recording
        match order:
            case TurnRecord():
                self._archive_queue.enqueue(order)
            case OpenTurn(turn_id, contends=contends):
                opening = self._archive_queue.opening(turn_id)
                await recording.notes.open(opening, Note.contends(contends))
                self._publish(self._request(turn_id, "stt"))
            case GiveFloor():
                await recording.notes.write(Note.contends(False))
            case SendAudio(pcm=pcm):
                await recording.feed_user_audio(pcm)
            case FlushTurn():
                await recording.mark(Kind.FLUSH, _reply_fields(order))
            case EndTurn(flushed=flushed):
                await recording.mark(Kind.END, {**_reply_fields(order), "flushed": flushed})
                if flushed:
                    await open_commit_gate(self._redis, order.reply_id)
                await recording.notes.write(Note.reply(order.reply_id))
            case TranscribeTurn():
                await recording.mark(Kind.END, {"reply": None, "flushed": False})
            case Respond(turn_id, _, reply_id, context, options):
                await self._note_request(recording, order)
                if reply_id not in turn.cancelled:
                    request = self._request(turn_id, "llm", reply_id, options=options)
                    self._publish(request, context=dump_context(context))
            case NotePlayback(_, heard_ms, heard_text):
                await recording.notes.write(Note.heard(heard_ms, heard_text))
            case DropTurn(turn_id):
                await self._drop(turn_id, recording)

    async def _drop(self, turn_id: UUID, recording: TurnRecording) -> None:
        try:
            await cancel(self._redis, turn_id)
            await recording.drop()
        finally:
            self._archive_queue.close_turn(turn_id)

    def _request(self, turn_id: UUID, stage: Stage, *more: Any, **fields: Any) -> StageRequest:
        channel = self._archive_queue.channel
        return StageRequest(self._spec, turn_id, channel, stage, *more, **fields)

    def _publish(self, request: StageRequest, **kwargs: Any) -> None:
        """Beside the orders: audio need not wait for the broker."""
        self._background.start_job(self._stages.publish(request, **kwargs), name="publish")

    async def _note_request(self, recording: TurnRecording, order: Respond) -> None:
        """Of an out-of-band reply nothing is kept, so nothing is noted."""
        reply = Note.reply(order.reply_id)
        if order.spoken:
            await recording.notes.write(reply)
        elif not order.out_of_band:
            last = order.context[-1] if order.context else None
            typed = last.content if last and last.role == "user" else ""
            opening = self._archive_queue.opening(order.turn_id)
            await recording.notes.open(opening, reply, Note.transcript(typed))

    def _fail(self, order: Order) -> None:
        """An order could not be executed, however often it was tried: its turn is lost."""
        if isinstance(order, DropTurn | TurnRecord | NotePlayback):
            return
        message = _("Redis does not answer. Please try again.")
        if isinstance(order, Respond):
            self._on_failure(order.turn_id, "llm", "redis_unavailable", message, order.reply_id)
        else:
            self._on_failure(order.turn_id, "stt", "redis_unavailable", message)

    async def _cancel(self, subject: UUID) -> None:
        with contextlib.suppress(*CONNECTION_ERRORS):
            await cancel(self._redis, subject)

    async def _discard(self, turn_id: UUID) -> None:
        """Have the turn's stages stop, then delete what they leave."""
        notes = TurnNotes(self._redis, turn_id)
        try:
            with contextlib.suppress(*CONNECTION_ERRORS):
                await cancel(self._redis, turn_id)
                await notes.wait_until_idle(DISCARDED_WITHIN)
                await notes.delete_with_replies()
        finally:
            self._archive_queue.close_turn(turn_id)


def _reply_fields(order: FlushTurn | EndTurn) -> dict[str, Any]:
    """The fields of a mark that ask for a reply."""
    return {
        "reply": str(order.reply_id),
        "context": dump_context(order.context),
        "options": dump(order.options),
        "goes_on": order.goes_on,
    }

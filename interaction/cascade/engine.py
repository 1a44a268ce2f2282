"""The web side of a cascade session: sends a turn's audio to the stages, brings their work back."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from interaction.cascade.cancelling import cancel
from interaction.cascade.connections import BROKEN, PATIENCE, redis
from interaction.cascade.crashes import log_crash
from interaction.cascade.hub import hub
from interaction.cascade.liveness import START_WITHIN, Job, Watch
from interaction.cascade.notes import Notes
from interaction.cascade.orders import Order, Orders
from interaction.cascade.publisher import NotPublished, publisher
from interaction.cascade.streams import AudioLost, Entry, Kind, Writer, turn_key
from interaction.cascade.ticket import Report, Ticket, dump, dump_context
from interaction.cascade.voice import Voice
from interaction.core import effects as out
from interaction.core.effects import EngineOrder, TurnRecord
from interaction.core.signals import (
    FRAME_SAMPLES,
    FinalTranscript,
    ReplyAudio,
    ReplySentence,
    ReplyText,
    Stage,
    StageEvent,
    StageFailed,
)
from interaction.engine import EngineUnavailable, SessionSpec

logger = logging.getLogger(__name__)

PIECE = 2 * FRAME_SAMPLES * 2
"""Bytes of an entry, 64 ms: a tenth of the load of one entry a frame, and soon enough."""
LARGEST_PIECE = 32_768
CLOSING_PATIENCE = 60.0
"""Seconds for which a finished turn is offered to a broken Redis."""


@dataclass
class _Turn:
    facts: dict[str, Any]
    """What the archive needs to know of it if Redis forgets everything else."""
    writer: Writer
    pending: bytes = b""
    reply: UUID | None = None
    """The reply it ended with."""
    transcribed: set[UUID] = field(default_factory=set)
    """Replies for which the transcript has come."""
    live: bool = True
    failed: bool = False
    audio_dropped: bool = False
    archived: int = 0


@dataclass
class _Reply:
    turn: UUID
    voice: Voice
    read: int = 0
    """Sentences that were read to their end."""
    synthesized: set[int] = field(default_factory=set)


class CascadeEngine:
    """Implements ``interaction.engine.Engine`` on Celery stages and Redis."""

    def __init__(self, spec: SessionSpec) -> None:
        self.session_id = spec.session_id
        self._spec = spec
        self._events: asyncio.Queue[StageEvent | None] = asyncio.Queue()
        self._orders = Orders()
        self._records: asyncio.Queue[tuple[TurnRecord, float]] = asyncio.Queue()
        self._watch = Watch()
        self._turns: dict[UUID, _Turn] = {}
        self._replies: dict[UUID, _Reply] = {}
        self._dropped: set[UUID] = set()
        """Replies of which nothing is wanted any more."""
        self._sending: set[asyncio.Task[None]] = set()
        self._workers: list[asyncio.Task[None]] = []
        self._closed = False
        self._hub = hub()
        self._redis = redis()
        self._now = asyncio.get_running_loop().time

    # The engine protocol.

    async def open(self) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                await self._hub.join(self)
        except BROKEN as error:
            raise EngineUnavailable(
                _("Redis does not answer. Check that it runs, then try again.")
            ) from error
        self._workers = [asyncio.create_task(self._work()), asyncio.create_task(self._archive())]

    def perform(self, order: EngineOrder) -> None:
        if self._closed:
            return
        match order:
            case out.OpenTurn(turn_id, sequence):
                self._begin(turn_id, sequence, "speech")
            case out.Respond(turn_id, sequence, reply_id):
                self._begin(turn_id, sequence, "text")
                self._await_reply(turn_id, reply_id)
            case out.FlushTurn(turn_id, reply_id) | out.EndTurn(turn_id, reply_id):
                self._await_reply(turn_id, reply_id)
            case out.CancelReply(reply_id=reply_id):
                self._drop_reply(reply_id)
            case out.DropTurn(turn_id):
                self._drop_turn(turn_id)
            case out.SendAudio(turn_id) if turn_id not in self._turns:
                return
        if dropped := self._orders.put(order):
            self._say_audio_dropped(dropped.turn_id)

    def close_turn(self, record: TurnRecord) -> None:
        if not self._closed:
            self._orders.put(record)

    async def events(self) -> AsyncIterator[StageEvent]:
        while (event := await self._events.get()) is not None:
            wanted = isinstance(event, FinalTranscript) or (
                getattr(event, "reply_id", None) not in self._dropped
                or isinstance(event, StageFailed)
            )
            if wanted:
                yield event

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        try:
            async with asyncio.timeout(CLOSING_PATIENCE):
                await self._orders.done()
                await asyncio.gather(*self._sending)
                await self._records.join()
        except TimeoutError:
            logger.warning("turns left to the sweep", extra={"session": self.session_id})
        finally:
            for task in [*self._workers, *self._sending]:
                task.cancel()
            for reply in list(self._replies):
                self._hub.reader.forget(reply)
            await self._hub.leave(self)
            self._events.put_nowait(None)

    # What the hub brings.

    def open_turns(self) -> list[UUID]:
        return [turn_id for turn_id, turn in self._turns.items() if turn.live]

    def look(self, now: float, linked: bool) -> None:
        lost, silent = self._watch.look(now, linked)
        for job in lost:
            self._lose(job)
        for job in silent:
            self._lose_audio(job.turn, job.subject)

    def report(self, report: Report, now: float) -> None:
        """A message of a stage. Those of jobs that nobody waits for any more are dropped."""
        job = report.job
        if not self._watch.knows(job):
            return
        if report.says == "beat":
            if not self._watch.beat(job, report.number, now):
                self._lose(job)
            return
        whole = self._watch.said(job, report.number, now)
        if whole is None:
            return
        if not whole:
            self._lose(job)
            return
        if report.queued and report.queued.subject not in self._dropped:
            self._watch.queued(report.queued, now)
        if report.event:
            self._event(report.event)
        if report.says == "finished":
            self._watch.finished(job)
            if (reply := self._replies.get(job.subject)) and job.stage == "tts":
                reply.synthesized.add(job.n)
                self._expect_audio(reply, job.subject, now)

    def _event(self, event: StageEvent) -> None:
        match event:
            case StageFailed():
                self._fail(event)
            case FinalTranscript(turn_id, _, reply_id):
                if reply_id and (turn := self._turns.get(turn_id)):
                    turn.transcribed.add(reply_id)
                self._events.put_nowait(event)
            case ReplySentence(reply_id, sentence):
                self._events.put_nowait(event)
                if reply := self._replies.get(reply_id):
                    self._play(reply, reply.voice.announce(sentence))
            case ReplyText(reply_id, _, sentences):
                self._events.put_nowait(event)
                if reply := self._replies.get(reply_id):
                    self._play(reply, reply.voice.written(sentences))
            case _:
                self._events.put_nowait(event)

    def _hear(self, reply_id: UUID, entry: Entry | AudioLost) -> None:
        """A piece of a reply, from the reader."""
        reply = self._replies.get(reply_id)
        if reply is None:
            return
        if isinstance(entry, AudioLost):
            self._lose_audio(reply.turn, reply_id)
            return
        last = entry.kind is Kind.LAST
        job = Job("tts", reply.turn, reply_id, entry.sentence)
        self._watch.audio_came(job, self._now(), last=last)
        if last:
            reply.read = entry.sentence + 1
            self._expect_audio(reply, reply_id, self._now())
        self._play(reply, reply.voice.hear(entry.sentence, entry.body, last))

    def _expect_audio(self, reply: _Reply, reply_id: UUID, now: float) -> None:
        if reply.read in reply.synthesized:
            self._watch.audio_due(Job("tts", reply.turn, reply_id, reply.read), now)

    def _play(self, reply: _Reply, pieces: list[ReplyAudio]) -> None:
        for piece in pieces:
            self._events.put_nowait(piece)
        if reply.voice.complete:
            self._let_go(reply.voice.reply)

    # Failures.

    def _lose(self, job: Job) -> None:
        turn = self._turns.get(job.turn)
        if job.stage == "stt" and turn and turn.reply in turn.transcribed:
            self._watch.finished(job)  # it had done all that it was wanted for
            return
        self._fail(
            StageFailed(
                job.turn,
                job.stage,
                self._provider(job.stage),
                "stage_lost",
                _("The %(stage)s stage stopped answering. Please try again.")
                % {"stage": job.stage},
                retryable=True,
                reply_id=job.subject if job.stage in ("llm", "tts") else None,
            )
        )

    def _lose_audio(self, turn: UUID, reply: UUID) -> None:
        message = _("Some of the reply's audio was lost. Please try again.")
        provider = self._provider("tts")
        self._fail(StageFailed(turn, "tts", provider, "audio_lost", message, True, reply))

    def _fail(self, failure: StageFailed) -> None:
        """Report a failure, once a reply, and stop what else works on it."""
        turn = self._turns.get(failure.turn_id)
        if failure.reply_id in self._dropped or (failure.stage == "stt" and turn and turn.failed):
            return
        self._events.put_nowait(failure)
        if failure.reply_id:
            self._drop_reply(failure.reply_id)
            self._orders.put(out.CancelReply(failure.turn_id, failure.reply_id))
        elif failure.stage == "stt" and turn:
            turn.failed = True
            self._watch.forget(lambda job: job.stage == "stt" and job.turn == failure.turn_id)
            self._spawn(cancel(self._redis, failure.turn_id))

    def _say_audio_dropped(self, turn_id: UUID) -> None:
        turn = self._turns.get(turn_id)
        if turn is None or turn.audio_dropped:
            return
        turn.audio_dropped = True
        message = _("Audio could not be passed on in time; some of it was dropped.")
        provider = self._provider("stt")
        self._events.put_nowait(
            StageFailed(turn_id, "stt", provider, "audio_dropped", message, retryable=True)
        )

    def _provider(self, stage: Stage) -> str:
        choices = {"stt": self._spec.stt, "llm": self._spec.llm, "tts": self._spec.tts}
        return choices[stage].name if stage in choices else ""

    # Turns and replies as this side knows them; all of it at once, before anything is awaited.

    def _begin(self, turn_id: UUID, sequence: int, kind: str) -> None:
        facts = {
            "session": str(self.session_id),
            "sequence": sequence,
            "kind": kind,
            "started_at": time.time(),
            "recording": self._spec.recording,
        }
        writer = Writer(self._redis, turn_key(turn_id), self.session_id, turn_id)
        self._turns[turn_id] = _Turn(facts, writer)

    def _await_reply(self, turn_id: UUID, reply_id: UUID) -> None:
        if reply_id in self._replies:
            return
        self._replies[reply_id] = _Reply(turn_id, Voice(reply_id))
        self._hub.reader.follow(reply_id, turn_id, lambda entry: self._hear(reply_id, entry))

    def _let_go(self, reply_id: UUID) -> None:
        """The reply is complete, or unwanted: nobody need watch those who work on it."""
        self._replies.pop(reply_id, None)
        self._hub.reader.forget(reply_id)
        self._watch.forget(lambda job: job.subject == reply_id)

    def _drop_reply(self, reply_id: UUID) -> None:
        self._dropped.add(reply_id)
        self._let_go(reply_id)

    def _drop_turn(self, turn_id: UUID) -> None:
        if turn := self._turns.get(turn_id):
            turn.live = False
        for reply_id in [key for key, reply in self._replies.items() if reply.turn == turn_id]:
            self._drop_reply(reply_id)
        self._watch.forget(lambda job: job.turn == turn_id)

    # Carrying orders out, one after the other.

    async def _work(self) -> None:
        while True:
            order = await self._orders.get()
            try:
                await self._carry_out(order)
            except BROKEN:
                self._unreachable(order)
            except Exception as error:
                log_crash(logger, error, {"session": self.session_id})
                self._unreachable(order)

    async def _carry_out(self, order: Order) -> None:
        turn = self._turns.get(order.turn_id)
        notes = Notes(self._redis, order.turn_id)
        if turn is None:
            return
        match order:
            case TurnRecord():
                self._records.put_nowait((order, self._now() + CLOSING_PATIENCE))
            case out.OpenTurn(turn_id):
                await notes.open(turn.facts)
                self._enqueue(Ticket(self._spec, turn_id, self._hub.channel, "stt"))
            case out.SendAudio(pcm=pcm):
                turn.pending += pcm
                await self._send_audio(turn, least=PIECE)
            case out.FlushTurn():
                await self._send_mark(turn, order, Kind.FLUSH)
            case out.EndTurn(flushed=flushed):
                await self._send_mark(turn, order, Kind.END, flushed=flushed)
                turn.reply = order.reply_id
                await notes.write(reply=str(order.reply_id))
            case out.Respond(turn_id, _, reply_id, context):
                said = context[-1].content if context else ""
                await notes.open({**turn.facts, "reply": str(reply_id), "transcript": said})
                ticket = Ticket(self._spec, turn_id, self._hub.channel, "llm", reply_id)
                self._enqueue(ticket, context=dump_context(context))
            case out.CancelReply(reply_id=reply_id):
                await cancel(self._redis, reply_id)
            case out.DropTurn(turn_id):
                await cancel(self._redis, turn_id)
                await notes.forget([turn_key(turn_id)], archived=False)

    async def _send_audio(self, turn: _Turn, least: int) -> None:
        while turn.pending and len(turn.pending) >= least:
            piece, turn.pending = turn.pending[:LARGEST_PIECE], turn.pending[LARGEST_PIECE:]
            await turn.writer.append(Kind.AUDIO, piece)

    async def _send_mark(
        self, turn: _Turn, order: out.FlushTurn | out.EndTurn, kind: Kind, **facts: Any
    ) -> None:
        await self._send_audio(turn, least=0)
        mark = {"reply": str(order.reply_id), "context": dump_context(order.context), **facts}
        await turn.writer.mark(kind, mark)

    def _unreachable(self, order: Order) -> None:
        """An order could not be carried out, however patiently: its turn is lost."""
        turn = self._turns.get(order.turn_id)
        if turn is None or isinstance(order, out.CancelReply | out.DropTurn | TurnRecord):
            return
        message = _("Redis does not answer. Please try again.")
        stage: Stage = "llm" if isinstance(order, out.Respond) else "stt"
        provider = self._provider(stage)
        reply = order.reply_id if isinstance(order, out.Respond) else None
        self._fail(
            StageFailed(order.turn_id, stage, provider, "redis_unavailable", message, True, reply)
        )

    # Enqueuing, beside the orders: audio need not wait for it.

    def _enqueue(self, ticket: Ticket, **kwargs: Any) -> None:
        self._watch.queued(ticket.job, self._now(), within=PATIENCE + START_WITHIN)
        self._spawn(self._publish(ticket, PATIENCE, **kwargs))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _publish(self, ticket: Ticket, patience: float, **kwargs: Any) -> None:
        try:
            await publisher().publish(ticket, patience, **kwargs)
        except NotPublished:
            self._watch.finished(ticket.job)
            message = _("The task queue does not answer. Please try again.")
            provider = self._provider(ticket.stage)
            facts = (ticket.turn_id, ticket.stage, provider, "queue_unavailable", message, True)
            self._fail(StageFailed(*facts, reply_id=ticket.reply_id))
        else:
            self._watch.sent(ticket.job, self._now())

    async def _archive(self) -> None:
        """Hand closed turns over. Later facts about a turn come the same way."""
        while True:
            record, give_up_at = await self._records.get()
            turn = self._turns[record.turn_id]
            patience = max(0.0, give_up_at - self._now())
            try:
                notes = Notes(self._redis, record.turn_id)
                await notes.open({**turn.facts, "record": dump(record)}, patience)
                turn.live = False
                channel = self._hub.channel
                turn.archived += 1
                ticket = Ticket(self._spec, record.turn_id, channel, "archive", n=turn.archived)
                self._watch.queued(ticket.job, self._now(), within=patience + START_WITHIN)
                await self._publish(ticket, max(0.0, give_up_at - self._now()))
            except BROKEN as error:
                facts = {"session": self.session_id, "turn": record.turn_id}
                logger.error("turn not archived: %s", type(error).__name__, extra=facts)
            finally:
                self._records.task_done()

"""The web side of a cascade session: sends a turn's audio to the stages, brings their work back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from uuid import UUID

from django.utils.translation import gettext as _

from interaction.bus.audio_streams import AudioLost, Entry, Kind
from interaction.bus.hub import hub
from interaction.bus.redis_client import CONNECTION_ERRORS, RETRY_FOR
from interaction.bus.stage_messages import StageReport
from interaction.bus.stage_watchdog import Job, StageWatchdog
from interaction.cascade.reply_assembler import ReplyAssembler
from interaction.cascade.turn_writer import TurnWriter
from interaction.core.engine import EngineUnavailable, SessionSpec
from interaction.core.events import (
    EngineEvent,
    FinalTranscript,
    MetricMeasured,
    ProviderSwitched,
    ReplyAudio,
    ReplySentence,
    ReplyText,
    StageFailed,
    UsageReported,
)
from interaction.core.orders import (
    CancelReply,
    DropTurn,
    EndTurn,
    EngineOrder,
    FlushTurn,
    Respond,
    StreamAudio,
    TranscribeTurn,
)
from interaction.core.records import TurnRecord
from interaction.core.types import Stage

FACTS = (MetricMeasured, ProviderSwitched, UsageReported)
"""What is learnt of a turn beside its course."""


@dataclass
class _Reply:
    turn: UUID
    voice: ReplyAssembler
    out_of_band: bool = False
    read: int = 0
    """Sentences that were read to their end."""
    synthesized: set[int] = field(default_factory=set)


class CascadeEngine:
    """Implements ``interaction.core.engine.Engine`` on Celery stages and Redis."""

    def __init__(self, spec: SessionSpec) -> None:
        self.session_id = spec.session_id
        first = {"stt": spec.stt, "llm": spec.llm, "tts": spec.tts}
        self._first = {stage: choices[0].name for stage, choices in first.items()}
        self._stepped_in: dict[tuple[UUID, Stage], str] = {}
        """Who serves a turn's stage in place of the first choice."""
        self._events: asyncio.Queue[EngineEvent | None] = asyncio.Queue()
        self._hub = hub()
        self._now = asyncio.get_running_loop().time
        self._watch = StageWatchdog()
        self._dispatch = TurnWriter(spec, self._watch, self._fail_with)
        self._replies: dict[UUID, _Reply] = {}
        self._dropped: set[UUID] = set()
        """Replies to which nothing is added any more."""
        self._cancelled: set[UUID] = set()
        """Those of which not even that is wanted which came before."""
        self._ended: dict[UUID, UUID] = {}
        """Turns that ended, and the reply that each ended with; itself where none was wanted."""
        self._transcribed: set[UUID] = set()
        """Replies for which the transcript has come, and turns that were transcribed alone."""
        self._unheard: set[UUID] = set()
        """Turns whose transcription failed."""
        self._thinned: set[UUID] = set()
        """Turns that lost audio before it could be sent."""
        self._closed = False

    # The engine protocol.

    async def open(self) -> None:
        try:
            async with asyncio.timeout(RETRY_FOR):
                await self._hub.join(self)
        except CONNECTION_ERRORS as error:
            message = _("Redis does not answer. Check that it runs, then try again.")
            raise EngineUnavailable(message) from error
        if self._closed:  # meanwhile: that close came too early
            await self._hub.leave(self)
            return
        self._dispatch.start(self._hub.channel)

    def execute(self, order: EngineOrder) -> None:
        if self._closed or isinstance(order, StreamAudio):
            return
        match order:
            case Respond(turn_id, _, reply_id):
                self._await_reply(turn_id, reply_id, out_of_band=order.out_of_band)
            case FlushTurn(turn_id, reply_id):
                self._await_reply(turn_id, reply_id)
            case EndTurn(turn_id, reply_id):
                self._ended[turn_id] = reply_id
                self._await_reply(turn_id, reply_id)
            case TranscribeTurn(turn_id):
                self._ended[turn_id] = turn_id
            case CancelReply(reply_id=reply_id):
                self._cancelled.add(reply_id)
                self._drop_reply(reply_id)
            case DropTurn(turn_id):
                self._drop_turn(turn_id)
        thinned = self._dispatch.put(order)
        if thinned and thinned not in self._thinned:
            self._thinned.add(thinned)
            message = _("Audio could not be passed on in time; some of it was dropped.")
            self._events.put_nowait(self._failure(thinned, "stt", "audio_dropped", message))

    async def wait_until_executed(self) -> None:
        await self._dispatch.wait_until_executed()

    def archive_turn(self, record: TurnRecord) -> None:
        if not self._closed:
            self._dispatch.put(record)

    async def events(self) -> AsyncGenerator[EngineEvent, None]:
        while (event := await self._events.get()) is not None:
            # A cancelled reply's news may wait here; its turn's transcript still counts.
            if isinstance(event, ReplyAudio | ReplySentence | ReplyText) and (
                event.reply_id in self._cancelled
            ):
                continue
            yield event

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        try:
            await self._dispatch.stop()
        finally:
            for reply in list(self._replies):
                self._hub.reader.forget(reply)
            await self._hub.leave(self)
            self._events.put_nowait(None)

    # What the hub brings.

    def open_turns(self) -> list[UUID]:
        return self._dispatch.open_turns()

    def look(self, now: float, linked: bool) -> None:
        lost, silent = self._watch.look(now, linked)
        for job in lost:
            self._lose(job)
        for job in silent:
            self._lose_audio(job.turn, job.subject)

    def report(self, report: StageReport, now: float) -> None:
        """A message of a stage. Of jobs that nobody waits for any more, only facts still count:
        audio and news come by two ways, and the last of the audio may be the first to arrive."""
        job = report.job
        if not self._watch.knows(job):
            if isinstance(report.event, FACTS) and job.subject not in self._cancelled:
                self._take(report.event)
            return
        if report.says == "beat":
            whole: bool | None = self._watch.beat(job, report.number, now)
        else:
            whole = self._watch.said(job, report.number, now)
        if whole is False:
            self._lose(job)
        if not whole:
            return
        if report.queued and report.queued.subject not in self._dropped:
            self._watch.queued(report.queued, now)
        if report.event:
            self._take(report.event)
        if report.says == "finished":
            self._watch.finished(job)
            if job.stage == "tts" and (reply := self._replies.get(job.subject)):
                reply.synthesized.add(job.n)
                self._expect_audio(reply, job.subject, now)

    def _take(self, event: EngineEvent) -> None:
        if isinstance(event, StageFailed):
            self._fail(event)
            return
        if isinstance(event, ProviderSwitched):
            turn_stage = (event.turn_id, event.stage)
            if self._stepped_in.get(turn_stage) == event.provider:
                return
            self._stepped_in[turn_stage] = event.provider
        self._events.put_nowait(event)
        match event:
            case FinalTranscript(turn_id, _, reply_id):
                self._transcribed.add(reply_id or turn_id)
            case ReplySentence(reply_id, sentence) if reply := self._replies.get(reply_id):
                self._play(reply, reply.voice.announce(sentence))
            case ReplyText(reply_id, _, sentences) if reply := self._replies.get(reply_id):
                self._play(reply, reply.voice.written(sentences))
                if sentences == 0:
                    self._let_go(reply_id)

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
        """Where a synthesis has finished, all its audio must be there soon."""
        if reply.read in reply.synthesized:
            self._watch.audio_due(Job("tts", reply.turn, reply_id, reply.read), now)

    def _play(self, reply: _Reply, pieces: list[ReplyAudio]) -> None:
        for piece in pieces:
            self._events.put_nowait(piece)
        if reply.voice.complete:
            self._let_go(reply.voice.reply)

    # Replies come and go.

    def _await_reply(self, turn_id: UUID, reply_id: UUID, *, out_of_band: bool = False) -> None:
        if reply_id in self._replies or reply_id in self._dropped:
            return
        self._replies[reply_id] = _Reply(turn_id, ReplyAssembler(reply_id), out_of_band)
        self._hub.reader.follow(reply_id, turn_id, lambda entry: self._hear(reply_id, entry))

    def _let_go(self, reply_id: UUID) -> None:
        """The reply is complete, or unwanted: nobody need watch those who work on it."""
        reply = self._replies.pop(reply_id, None)
        if reply and reply.out_of_band:
            self._dispatch.free(reply.turn)
        self._hub.reader.forget(reply_id)
        self._watch.forget(lambda job: job.subject == reply_id)

    def _drop_reply(self, reply_id: UUID) -> None:
        self._dropped.add(reply_id)
        self._let_go(reply_id)

    def _drop_turn(self, turn_id: UUID) -> None:
        for reply_id in [key for key, reply in self._replies.items() if reply.turn == turn_id]:
            self._cancelled.add(reply_id)
            self._drop_reply(reply_id)
        self._watch.forget(lambda job: job.turn == turn_id)

    # Failures.

    def _lose(self, job: Job) -> None:
        self._watch.finished(job)
        message = _("The %(stage)s stage stopped answering. Please try again.")
        if job.stage == "stt" and self._ended.get(job.turn) in self._transcribed:
            return  # it had done all that it was wanted for
        if job.stage == "archive":
            if not self._dispatch.archive_again(job.turn):
                return  # it was said before
            message = _("The turn is not in the history yet. It is kept, and tried again.")
        reply = job.subject if job.stage in ("llm", "tts") else None
        self._fail_with(job.turn, job.stage, "stage_lost", message % {"stage": job.stage}, reply)

    def _lose_audio(self, turn: UUID, reply: UUID) -> None:
        message = _("Some of the reply's audio was lost. Please try again.")
        self._fail_with(turn, "tts", "audio_lost", message, reply)

    def _fail_with(
        self, turn: UUID, stage: Stage, code: str, message: str, reply: UUID | None = None
    ) -> None:
        self._fail(self._failure(turn, stage, code, message, reply))

    def _failure(
        self, turn: UUID, stage: Stage, code: str, message: str, reply: UUID | None = None
    ) -> StageFailed:
        provider = self._stepped_in.get((turn, stage)) or self._first.get(stage, "")
        return StageFailed(turn, stage, provider, code, message, retryable=True, reply_id=reply)

    def _fail(self, failure: StageFailed) -> None:
        """Report a failure, once a reply, and stop whoever else works on it."""
        reply, turn = failure.reply_id, failure.turn_id
        if reply in self._dropped or (failure.stage == "stt" and turn in self._unheard):
            return
        self._events.put_nowait(failure)
        if reply:
            self._drop_reply(reply)
            self._dispatch.cancel(reply)
        elif failure.stage == "stt":
            self._unheard.add(turn)
            self._watch.forget(lambda job: job.stage == "stt" and job.turn == turn)
            self._dispatch.cancel(turn)

"""The web side of a cascade session: passes its orders to the stages, and their work back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from enum import Enum, auto
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
    OpenTurn,
    Respond,
    StreamAudio,
    TranscribeTurn,
)
from interaction.core.records import TurnRecord
from interaction.core.types import Stage

FACTS = (MetricMeasured, ProviderSwitched, UsageReported)
"""Events that count whenever they come."""


class _Phase(Enum):
    """How far a reply is."""

    LIVE = auto()
    """More of it is to come."""
    COMPLETE = auto()
    """All of it has come."""
    FAILED = auto()
    """Nothing more of it comes; what has come is still passed on."""
    CANCELLED = auto()
    """Nothing of it is passed on any more."""


@dataclass(eq=False)
class _LiveReply:
    """What is needed of a reply while more of it is to come."""

    assembler: ReplyAssembler
    sentences_read: int = 0
    """Sentences whose audio was read to its end."""
    synthesized: set[int] = field(default_factory=set)
    """Sentences whose audio was written in full."""


@dataclass(eq=False)
class _Reply:
    id: UUID
    turn: _Turn
    out_of_band: bool = False
    phase: _Phase = _Phase.COMPLETE
    live: _LiveReply | None = None
    """None unless ``phase`` is ``LIVE``."""

    @property
    def is_unwanted(self) -> bool:
        return self.phase in (_Phase.FAILED, _Phase.CANCELLED)


@dataclass(eq=False)
class _Turn:
    """A turn, until a while after it was archived."""

    id: UUID
    replies: dict[UUID, _Reply] = field(default_factory=dict)
    ended_with: UUID | None = None
    """The reply that its end asked for, or its own id where none was asked for; None until then."""
    transcripts: set[UUID] = field(default_factory=set)
    """The replies for which its transcript came, and its own id where it was transcribed alone."""
    stt_failed: bool = False
    audio_dropped: bool = False
    """It lost audio before that could be sent."""
    providers: dict[Stage, str] = field(default_factory=dict)
    """Who serves a stage in place of the first choice."""


class CascadeEngine:
    """Implements ``interaction.core.engine.Engine`` on Celery stages and Redis."""

    def __init__(self, spec: SessionSpec) -> None:
        self.session_id = spec.session_id
        first = {"stt": spec.stt, "llm": spec.llm, "tts": spec.tts}
        self._first_choices = {stage: choices[0].name for stage, choices in first.items()}
        self._events: asyncio.Queue[EngineEvent | None] = asyncio.Queue()
        self._hub = hub()
        self._now = asyncio.get_running_loop().time
        self._watchdog = StageWatchdog()
        self._writer = TurnWriter(spec, self._watchdog, self._on_failure, self._forget_turn)
        self._turns: dict[UUID, _Turn] = {}
        self._replies: dict[UUID, _Reply] = {}
        """Those of ``_turns``, by their ids."""
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
        self._writer.start(self._hub.channel)

    def execute(self, order: EngineOrder) -> None:
        if self._closed or isinstance(order, StreamAudio):
            return
        if isinstance(order, OpenTurn) or (isinstance(order, Respond) and not order.spoken):
            self._turns[order.turn_id] = _Turn(order.turn_id)
        turn = self._turns.get(order.turn_id)
        if turn is None:
            return
        match order:
            case Respond(reply_id=reply_id):
                self._await_reply(turn, reply_id, out_of_band=order.out_of_band)
            case FlushTurn(reply_id=reply_id):
                self._await_reply(turn, reply_id)
            case EndTurn(reply_id=reply_id):
                turn.ended_with = reply_id
                self._await_reply(turn, reply_id)
            case TranscribeTurn():
                turn.ended_with = turn.id
            case CancelReply(reply_id=reply_id):
                self._end_reply(self._reply(turn, reply_id), _Phase.CANCELLED)
            case DropTurn():
                self._drop_turn(turn)
        if short := self._writer.enqueue(order):
            self._on_audio_dropped(short)

    async def wait_until_executed(self) -> None:
        await self._writer.wait_until_executed()

    def archive_turn(self, record: TurnRecord) -> None:
        if not self._closed:
            self._writer.enqueue(record)

    async def events(self) -> AsyncGenerator[EngineEvent, None]:
        while (event := await self._events.get()) is not None:
            # Some may be of a reply that was cancelled since; its turn's transcript still counts.
            if isinstance(event, ReplyAudio | ReplySentence | ReplyText) and (
                self._is_cancelled(event.reply_id)
            ):
                continue
            yield event

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        try:
            await self._writer.stop()
        finally:
            for reply in self._replies:
                self._hub.reader.unfollow(reply)
            await self._hub.leave(self)
            self._events.put_nowait(None)

    # From the hub.

    def open_turns(self) -> list[UUID]:
        return self._writer.open_turns()

    def check_stages(self, now: float, linked: bool) -> None:
        lost, silent = self._watchdog.check(now, linked)
        for job in lost:
            self._on_stage_lost(job)
        for job in silent:
            self._on_audio_lost(job.turn, job.subject)

    def on_report(self, report: StageReport, now: float) -> None:
        """Of jobs that are not watched any more, only facts still count: audio and reports come by
        two ways, and the last of the audio may come first."""
        job = report.job
        if job.turn not in self._turns:
            return
        if not self._watchdog.is_watching(job):
            if isinstance(report.event, FACTS) and not self._is_cancelled(job.subject):
                self._on_event(report.event)
            return
        if report.kind == "beat":
            is_next: bool | None = self._watchdog.on_beat(job, report.number, now)
        else:
            is_next = self._watchdog.on_report(job, report.number, now)
        if is_next is False:
            self._on_stage_lost(job)
        if not is_next:
            return
        if report.queued:
            self._on_queued(report.queued, now)
        if report.event:
            self._on_event(report.event)
        if report.kind == "finished":
            self._watchdog.on_finished(job)
            if job.stage == "tts":
                self._on_synthesized(job, now)

    def _on_queued(self, job: Job, now: float) -> None:
        reply = self._replies.get(job.subject)
        if reply and not reply.is_unwanted:
            self._watchdog.on_queued(job, now)

    def _on_synthesized(self, job: Job, now: float) -> None:
        reply = self._replies.get(job.subject)
        if reply and reply.live:
            reply.live.synthesized.add(job.index)
            self._expect_audio(reply, reply.live, now)

    def _on_event(self, event: EngineEvent) -> None:
        if isinstance(event, StageFailed):
            self._fail(event)
            return
        if isinstance(event, ProviderSwitched):
            providers = self._turns[event.turn_id].providers
            if providers.get(event.stage) == event.provider:
                return
            providers[event.stage] = event.provider
        self._events.put_nowait(event)
        match event:
            case FinalTranscript(turn_id, _, reply_id):
                self._turns[turn_id].transcripts.add(reply_id or turn_id)
            case ReplySentence(reply_id, sentence):
                if (reply := self._replies.get(reply_id)) and reply.live:
                    self._play(reply, reply.live, reply.live.assembler.on_sentence(sentence))
            case ReplyText(reply_id, _, sentences):
                if (reply := self._replies.get(reply_id)) and reply.live:
                    pieces = reply.live.assembler.on_text_complete(sentences)
                    self._play(reply, reply.live, pieces)
                    if sentences == 0:
                        self._end_reply(reply, _Phase.COMPLETE)

    def _on_entry(self, reply: _Reply, entry: Entry | AudioLost) -> None:
        """A piece of a reply, from the reader."""
        live = reply.live
        if live is None:
            return
        if isinstance(entry, AudioLost):
            self._on_audio_lost(reply.turn.id, reply.id)
            return
        last = entry.kind is Kind.LAST
        job = Job("tts", reply.turn.id, reply.id, entry.sentence)
        self._watchdog.on_audio(job, self._now(), last=last)
        if last:
            live.sentences_read = entry.sentence + 1
            self._expect_audio(reply, live, self._now())
        self._play(reply, live, live.assembler.on_audio(entry.sentence, entry.body, last))

    def _expect_audio(self, reply: _Reply, live: _LiveReply, now: float) -> None:
        """Where a synthesis has finished, all its audio must be there soon."""
        sentence = live.sentences_read
        if sentence in live.synthesized:
            self._watchdog.expect_audio(Job("tts", reply.turn.id, reply.id, sentence), now)

    def _play(self, reply: _Reply, live: _LiveReply, pieces: list[ReplyAudio]) -> None:
        for piece in pieces:
            self._events.put_nowait(piece)
        if live.assembler.is_complete:
            self._end_reply(reply, _Phase.COMPLETE)

    # Turns and replies come and go.

    def _reply(self, turn: _Turn, reply_id: UUID) -> _Reply:
        """A reply of the turn; it is not awaited where it was not known."""
        if reply_id not in turn.replies:
            turn.replies[reply_id] = self._replies[reply_id] = _Reply(reply_id, turn)
        return turn.replies[reply_id]

    def _await_reply(self, turn: _Turn, reply_id: UUID, *, out_of_band: bool = False) -> None:
        if reply_id in turn.replies:
            return
        reply = self._reply(turn, reply_id)
        reply.out_of_band = out_of_band
        reply.phase, reply.live = _Phase.LIVE, _LiveReply(ReplyAssembler(reply_id))
        self._hub.reader.follow(reply_id, turn.id, lambda entry: self._on_entry(reply, entry))

    def _end_reply(self, reply: _Reply, phase: _Phase) -> None:
        """Nothing more of it is awaited, and the stages that work on it need not be watched."""
        was_live = reply.live is not None
        reply.phase, reply.live = phase, None
        if was_live and reply.out_of_band:
            self._writer.discard_turn(reply.turn.id)
        self._hub.reader.unfollow(reply.id)
        self._watchdog.forget(lambda job: job.subject == reply.id)

    def _drop_turn(self, turn: _Turn) -> None:
        for reply in turn.replies.values():
            if reply.live:
                self._end_reply(reply, _Phase.CANCELLED)
        self._watchdog.forget(lambda job: job.turn == turn.id)

    def _forget_turn(self, turn_id: UUID) -> None:
        """It was archived or dropped a while ago: what comes for it now is ignored."""
        turn = self._turns.pop(turn_id, None)
        if turn is None:
            return
        for reply in turn.replies.values():
            self._hub.reader.unfollow(reply.id)
            del self._replies[reply.id]
        self._watchdog.forget(lambda job: job.turn == turn_id)

    def _is_cancelled(self, subject: UUID) -> bool:
        reply = self._replies.get(subject)
        return reply is not None and reply.phase is _Phase.CANCELLED

    # Failures.

    def _on_audio_dropped(self, turn_id: UUID) -> None:
        turn = self._turns.get(turn_id)
        if turn and not turn.audio_dropped:
            turn.audio_dropped = True
            message = _("Audio could not be passed on in time; some of it was dropped.")
            self._events.put_nowait(self._failure(turn, "stt", "audio_dropped", message))

    def _on_stage_lost(self, job: Job) -> None:
        self._watchdog.on_finished(job)
        turn = self._turns.get(job.turn)
        if turn is None:
            return
        message = _("The %(stage)s stage stopped answering. Please try again.")
        if job.stage == "stt" and turn.ended_with in turn.transcripts:
            return  # it had done all that was wanted of it
        if job.stage == "archive":
            if not self._writer.retry_archiving(job.turn):
                return  # the person knows already
            message = _("The turn is not in the history yet. It is kept, and tried again.")
        reply = job.subject if job.stage in ("llm", "tts") else None
        message %= {"stage": job.stage}
        self._on_failure(job.turn, job.stage, "stage_lost", message, reply)

    def _on_audio_lost(self, turn: UUID, reply: UUID) -> None:
        message = _("Some of the reply's audio was lost. Please try again.")
        self._on_failure(turn, "tts", "audio_lost", message, reply)

    def _on_failure(
        self, turn: UUID, stage: Stage, code: str, message: str, reply: UUID | None = None
    ) -> None:
        if known := self._turns.get(turn):
            self._fail(self._failure(known, stage, code, message, reply))

    def _failure(
        self, turn: _Turn, stage: Stage, code: str, message: str, reply: UUID | None = None
    ) -> StageFailed:
        provider = turn.providers.get(stage) or self._first_choices.get(stage, "")
        return StageFailed(turn.id, stage, provider, code, message, retryable=True, reply_id=reply)

    def _fail(self, failure: StageFailed) -> None:
        """Report a failure, once a reply, and stop whatever else works on it."""
        turn = self._turns[failure.turn_id]
        if failure.reply_id:
            reply = self._reply(turn, failure.reply_id)
            if not reply.is_unwanted:
                self._events.put_nowait(failure)
                self._end_reply(reply, _Phase.FAILED)
                self._writer.cancel_stages(reply.id)
        elif failure.stage != "stt":
            self._events.put_nowait(failure)
        elif not turn.stt_failed:
            turn.stt_failed = True
            self._events.put_nowait(failure)
            self._watchdog.forget(lambda job: job.stage == "stt" and job.turn == turn.id)
            self._writer.cancel_stages(turn.id)

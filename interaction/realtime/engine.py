"""The engine of realtime mode: carries the conversation's orders to a provider's realtime API, and
its events back. Both sides' audio and text are recorded for the archive, as in cascade mode."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Sequence
from uuid import UUID

from django.utils.translation import gettext as _

from interaction.bus.background import Background
from interaction.bus.hub import hub
from interaction.bus.redis_client import CONNECTION_ERRORS, RETRY_FOR, get_redis
from interaction.bus.stage_messages import StageReport
from interaction.bus.stage_watchdog import Job, StageWatchdog
from interaction.bus.watched_publisher import WatchedPublisher
from interaction.core.engine import EngineUnavailable, SessionSpec
from interaction.core.events import (
    EngineEvent,
    EngineLost,
    EngineSpeechStarted,
    EngineSpeechStopped,
    FinalTranscript,
    MetricMeasured,
    PartialTranscript,
    ReplyAudio,
    ReplySentence,
    SessionEndRequested,
    StageFailed,
    ToolInvoked,
    UsageReported,
)
from interaction.core.orders import (
    CancelReply,
    DropTurn,
    EndTurn,
    EngineOrder,
    NotePlayback,
    OpenTurn,
    Respond,
    SendAudio,
)
from interaction.core.records import TurnRecord
from interaction.core.redaction import Redactor
from interaction.core.spoken_words import spoken_words
from interaction.core.types import CutReason, Message, Stage, ToolCall
from interaction.provider_calls.call import ProviderCall
from interaction.provider_calls.counter import CallCounter
from interaction.providers.errors import ProviderError, ProviderTimeout
from interaction.providers.realtime_protocol import (
    InputTranscript,
    OutputAudio,
    OutputTranscript,
    RealtimeConnection,
    RealtimeEvent,
    ResponseDone,
    SpeechStarted,
    SpeechStopped,
)
from interaction.realtime.order_sender import OrderSender, conversation_detects_turns
from interaction.realtime.provider_connection import ProviderConnection
from interaction.realtime.recovery import FailureReason, RecoveryPolicy
from interaction.realtime.reply import RealtimeReply
from interaction.realtime.response_matching import ResponseMatcher
from interaction.safe_logging import log_crash
from interaction.tools.base import context_for
from interaction.tools.registry import load_tools, tool_spec
from interaction.tools.tool_calls import ToolCalls
from interaction.turn_records.archive_queue import CLOSING_PATIENCE, ArchiveQueue
from interaction.turn_records.note_fields import Note
from interaction.turn_records.recorder import TurnRecorder

logger = logging.getLogger(__name__)

RESPONSE_TIMEOUT = 10.0
"""Seconds for which the provider may send nothing while a reply is due."""


class EventsEnded(Exception):
    """A provider's event stream has ended of itself: a lost connection has to raise
    ``ProviderError``."""


class RealtimeEngine:
    """Implements ``interaction.core.engine.Engine``.

    A failure of the provider, and a bug while one event or order is dealt with, costs the turn at
    hand; the connection is opened anew (``RecoveryPolicy``). A bug that ends one of the engine's
    loops ends the engine: ``EngineLost`` with the code ``engine_crashed``, now and for each turn
    that follows.
    """

    def __init__(self, spec: SessionSpec) -> None:
        assert spec.realtime is not None, "a session in realtime mode names its provider"
        self.session_id = spec.session_id
        self._spec = spec
        self._provider = spec.realtime.name
        self._now = asyncio.get_running_loop().time
        self._hub = hub()
        self._watchdog = StageWatchdog()
        self._archive_queue = ArchiveQueue(spec, WatchedPublisher(self._watchdog, self._fail_turn))
        self._recorder = TurnRecorder(spec, self._archive_queue)
        self._tools = load_tools(spec.tools)
        self._connection = ProviderConnection(spec, tuple(map(tool_spec, self._tools.values())))
        detects_turns = conversation_detects_turns(spec.turns)
        self._order_sender = OrderSender(self._connection, spec.turns, self._on_connection_lost)
        self._events: asyncio.Queue[EngineEvent | None] = asyncio.Queue()
        self._matcher = ResponseMatcher(conversation_detects_turns=detects_turns)
        self._recovery = RecoveryPolicy()
        self._reply: RealtimeReply | None = None
        """The reply that was requested last."""
        self._requested_at = 0.0
        """When that was, on the event loop's clock."""
        self._response_timer: asyncio.TimerHandle | None = None
        self._log_facts = {"session": spec.session_id}
        self._calls = CallCounter(get_redis(), self._log_facts)
        self._background = Background(
            "realtime engine", log_facts=self._log_facts, on_crash=self._on_crash
        )
        self._crashed: FailureReason | None = None
        """Set where a bug has ended a loop or a job: no order is sent any more."""
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
        self._archive_queue.start(self._hub.channel)
        self._recorder.start()
        self._background.start_loop("orders", self._order_sender.send_next, on_error="fail")
        self._background.start_loop("provider events", self._read_events, on_error="fail")
        self._background.start_job(self._ensure_open(), name="open", on_error="fail")

    def execute(self, order: EngineOrder) -> None:
        if self._closed:
            return
        match order:
            case OpenTurn(turn_id, sequence):
                self._recorder.open_turn(turn_id, sequence, "speech")
                if transcript := self._matcher.on_turn_opened(turn_id):
                    self._on_transcript(turn_id, transcript)
            case SendAudio(turn_id, pcm):
                self._recorder.feed_user_audio(turn_id, pcm)
            case EndTurn(turn_id, reply_id):
                self._recorder.feed_user_audio(turn_id, b"", last=True)
                self._recorder.note(turn_id, Note.reply(reply_id))
                reply = self._request_reply(self._new_reply(turn_id, reply_id), order.context)
                early = self._matcher.on_turn_ended(turn_id, reply)
                if early is None:
                    self._order_sender.send_silence()
                for event in early or ():
                    self._on_reply_event(reply, event)
            case Respond(turn_id, sequence, reply_id, context):
                text = context[-1].content if context else ""
                notes = Note.reply(reply_id), Note.transcript(text)
                self._recorder.open_turn(turn_id, sequence, "text", *notes)
                reply = self._request_reply(self._new_reply(turn_id, reply_id), context[:-1])
                self._matcher.on_text_turn(reply)
            case NotePlayback(turn_id, heard_ms, heard_text):
                self._recorder.note(turn_id, Note.heard(heard_ms, heard_text))
                return
            case DropTurn(turn_id):
                self._matcher.on_turn_dropped(turn_id)
                if turn_id in self._archive_queue:
                    self._recorder.drop_turn(turn_id)
            case CancelReply(reply_id=reply_id):
                if not (self._reply and self._reply.id == reply_id):
                    return
                self._cancel_reply(self._reply)
        if self._crashed is None:
            self._order_sender.enqueue(order)
        elif isinstance(order, EndTurn | Respond):
            self._emit_engine_lost(self._crashed)

    async def wait_until_executed(self) -> None:
        await self._recorder.wait_until_written()

    def archive_turn(self, record: TurnRecord) -> None:
        if self._closed:
            return
        if self._reply and self._reply.turn_id == record.turn_id:
            self._connection.on_turn_closed(record)
        self._recorder.archive(record)

    async def events(self) -> AsyncGenerator[EngineEvent, None]:
        while (event := await self._events.get()) is not None:
            if isinstance(event, EngineSpeechStarted):
                self._matcher.on_speech_started_read()
            yield event

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._clear_response_timeout()
        if self._reply:
            self._give_up_call(self._reply)
        try:
            await self._background.stop()
            await self._connection.close()
            await self._wait_until_archived()
        finally:
            self._connection.drop()  # still open where this was cancelled meanwhile
            await self._recorder.stop()
            await self._archive_queue.stop()
            await self._calls.stop()
            self._events.put_nowait(None)
            await self._hub.leave(self)

    async def _wait_until_archived(self) -> None:
        """Wait until every closed turn is handed to the archive, ``CLOSING_PATIENCE`` seconds at
        most: what then is left, whatever broke, is found by the sweep."""
        try:
            async with asyncio.timeout(CLOSING_PATIENCE):
                await self._recorder.wait_until_written()
                await self._archive_queue.wait_until_empty()
                await self._calls.flush()
        except TimeoutError:
            logger.error("turns left to the sweep", extra=self._log_facts)
        except Exception as error:
            log_crash(logger, error, self._log_facts, "turns left to the sweep")

    # The hub's listener: it brings the reports of archiving.

    def open_turns(self) -> list[UUID]:
        return self._archive_queue.open_turns()

    def check_stages(self, now: float, linked: bool) -> None:
        lost, _silent = self._watchdog.check(now, linked)
        for job in lost:
            self._on_archiving_lost(job)

    def on_report(self, report: StageReport, now: float) -> None:
        job = report.job
        if not self._watchdog.is_watching(job):
            return
        if report.kind == "beat":
            whole: bool | None = self._watchdog.on_beat(job, report.number, now)
        else:
            whole = self._watchdog.on_report(job, report.number, now)
        if whole is False:
            self._on_archiving_lost(job)
        elif whole and report.event:
            self._emit(report.event)
        if whole and report.kind == "finished":
            self._watchdog.on_finished(job)

    def _on_archiving_lost(self, job: Job) -> None:
        self._watchdog.on_finished(job)
        if self._archive_queue.retry(job.turn):
            message = _("The turn is not in the history yet. It is kept, and tried again.")
            self._fail_turn(job.turn, "archive", "stage_lost", message)

    # A reply is requested, or cancelled.

    def _new_reply(self, turn_id: UUID, reply_id: UUID) -> RealtimeReply:
        return RealtimeReply(turn_id, reply_id, self._spec.language)

    def _request_reply(self, reply: RealtimeReply, context: tuple[Message, ...]) -> RealtimeReply:
        if self._reply:
            self._give_up_call(self._reply)
        self._reply, self._requested_at = reply, self._now()
        if self._crashed is None:
            reply.call = self._start_call()
            reply.call.ask()
        self._connection.on_reply_requested(context)
        self._start_response_timeout()
        return reply

    def _cancel_reply(self, reply: RealtimeReply) -> None:
        if not reply.complete:
            self._give_up_call(reply)
            self._break_off(reply)
            self._matcher.on_reply_cancelled(reply)
            self._clear_response_timeout()

    def _start_call(self) -> ProviderCall:
        assert self._spec.realtime is not None
        return self._calls.start("realtime", self._provider, self._spec.realtime.model)

    def _give_up_call(self, reply: RealtimeReply) -> None:
        """Nobody waits for the rest of the reply."""
        if reply.call:
            reply.call.give_up()

    def _count_failure(self, code: str) -> None:
        """It fails the reply that is due; where none is, it counts as a call of its own."""
        due = self._reply.call if self._reply and not self._reply.complete else None
        (due or self._start_call()).fail(code)

    # The provider's events.

    async def _ensure_open(self) -> None:
        try:
            await self._connection.ensure_open()
        except Exception as error:
            self._on_connection_lost(error, None)

    async def _read_events(self) -> None:
        """Follow one connection, once there is one, until it is lost."""
        await self._connection.opened.wait()
        if (connection := self._connection.current) is None:  # lost again meanwhile
            return
        try:
            async with contextlib.aclosing(connection.events()) as events:  # type: ignore[type-var]
                async for event in events:
                    if connection is not self._connection.current:
                        return
                    self._on_provider_event(event)
            raise EventsEnded
        except Exception as error:
            self._on_connection_lost(error, connection)

    def _on_provider_event(self, event: RealtimeEvent) -> None:
        match event:
            case SpeechStarted():
                self._matcher.on_speech_started()
                self._emit(EngineSpeechStarted())
            case SpeechStopped():
                self._matcher.on_speech_stopped()
                self._emit(EngineSpeechStopped())
            case InputTranscript():
                if turn := self._matcher.match_transcript(event):
                    self._on_transcript(turn, event)
            case _:
                if reply := self._matcher.match_reply(event):
                    self._on_reply_event(reply, event)

    def _on_reply_event(self, reply: RealtimeReply, event: RealtimeEvent) -> None:
        if reply.complete:
            return
        self._start_response_timeout()
        match event:
            case OutputTranscript(text):
                if not reply.text:
                    self._emit_metric(reply, "llm_ttft")
                    if reply.call:
                        reply.call.on_output()
                self._emit_text(reply, reply.add_text(text))
            case OutputAudio(pcm):
                if not reply.has_audio:
                    reply.has_audio = True
                    self._emit_metric(reply, "tts_ttfb")
                    if reply.call:
                        reply.call.on_result()
                self._emit_audio(reply, reply.add_audio(pcm))
            case ResponseDone(calls, cut_off, error, usage, cut):
                if usage:
                    counts = (usage.prompt_tokens, usage.completion_tokens)
                    self._emit(UsageReported(reply.turn_id, reply.id, *counts))
                if error:
                    reason = FailureReason.of(error)
                    self._count_failure(reason.code)
                    self._fail_reply(reason)
                elif calls and not cut_off:
                    self._emit_text(reply, reply.end_sentence())
                    self._clear_response_timeout()
                    self._background.start_job(
                        self._run_tools(reply, calls), name="tools", on_error="fail"
                    )
                else:
                    self._finish(reply, whole=not cut_off, cut=cut)

    async def _run_tools(self, reply: RealtimeReply, calls: Sequence[ToolCall]) -> None:
        connection = self._connection.current
        try:
            results = await self._tool_calls(reply).run(calls, sentences=reply.sentences)
            if reply.complete or connection is None:
                return
            self._matcher.on_tool_results_sent(reply)
            # Before they are sent: by the end of that the reply may be complete, or cancelled.
            self._start_response_timeout()
            await connection.send_tool_results(results)
        except Exception as error:
            self._on_connection_lost(error, connection)

    def _tool_calls(self, reply: RealtimeReply) -> ToolCalls:
        if reply.tool_calls is None:

            async def emit(event: ToolInvoked | SessionEndRequested) -> None:
                self._emit(event)

            def note(index: int, invoked: ToolInvoked) -> None:
                self._recorder.note(reply.turn_id, Note.tool(index, invoked))

            context = context_for(self._spec, reply.turn_id)
            reply.tool_calls = ToolCalls(
                self._tools, context, reply.id, emit=emit, note=note, redact=self._spec.redact
            )
        return reply.tool_calls

    def _emit_text(self, reply: RealtimeReply, events: Sequence[EngineEvent]) -> None:
        for event in events:
            if isinstance(event, ReplySentence):
                note = Note.sentence(reply.id, event.sentence, event.text)
                self._recorder.note(reply.turn_id, note)
                if event.sentence == 0:
                    self._emit_metric(reply, "llm_ttfs")
            self._emit(event)

    def _emit_audio(self, reply: RealtimeReply, piece: ReplyAudio) -> None:
        self._recorder.feed_reply_audio(reply.turn_id, reply.id, piece.sentence, piece.pcm)
        self._emit(piece)

    def _finish(self, reply: RealtimeReply, *, whole: bool, cut: CutReason | None) -> None:
        self._clear_response_timeout()
        if reply.call:
            reply.call.succeed()
        if whole:
            self._recovery.on_reply_completed()
            self._connection.mark_working()
        self._emit_text(reply, reply.finish(cut))
        self._note_text(reply)

    def _break_off(self, reply: RealtimeReply) -> None:
        """Nothing more of it is wanted, or comes: what has come belongs into the history."""
        reply.complete = True
        self._emit_text(reply, reply.end_sentence())
        self._note_text(reply)

    def _note_text(self, reply: RealtimeReply) -> None:
        # The archive finds audio by its sentence: audio without any text needs one, too.
        notes = [Note.reply_text(reply.id, reply.text)]
        if not reply.sentences and reply.has_audio:
            notes.append(Note.sentence(reply.id, 0, ""))
        self._recorder.note(reply.turn_id, *notes)

    def _on_transcript(self, turn: UUID, transcript: InputTranscript) -> None:
        redactor = Redactor() if self._spec.redact else None
        text = spoken_words(transcript.text)
        if not transcript.final:
            self._emit(PartialTranscript(turn, redactor.partial(text) if redactor else text))
            return
        text = redactor.final(text) if redactor else text
        self._recorder.note(turn, Note.transcript(text))
        self._emit(FinalTranscript(turn, text))

    def _emit_metric(self, reply: RealtimeReply, metric: str) -> None:
        """Report the time since the reply was requested."""
        ms = round(1000 * (self._now() - self._requested_at), 1)
        self._recorder.note(reply.turn_id, Note.metric(metric, ms))
        self._emit(MetricMeasured(reply.turn_id, metric, ms))

    # Failures.

    def _start_response_timeout(self) -> None:
        """The provider owes an event: wait for it ``RESPONSE_TIMEOUT`` seconds from now."""
        self._clear_response_timeout()
        if not self._closed and self._crashed is None:
            loop = asyncio.get_running_loop()
            self._response_timer = loop.call_later(RESPONSE_TIMEOUT, self._response_timed_out)

    def _clear_response_timeout(self) -> None:
        if self._response_timer:
            self._response_timer.cancel()
            self._response_timer = None

    def _response_timed_out(self) -> None:
        # As a job, so that a bug is not lost with the event loop's own log.
        work = self._on_response_timeout(self._response_timer)
        self._background.start_job(work, name="response timeout", on_error="fail")

    async def _on_response_timeout(self, timer: asyncio.TimerHandle | None) -> None:
        if timer is not self._response_timer:
            return  # an event has come before this job was started
        message = _("%(provider)s has stopped answering.") % {"provider": self._provider}
        timeout = ProviderTimeout(message, stage="realtime", provider=self._provider)
        self._on_connection_lost(timeout, self._connection.current)

    def _on_connection_lost(self, error: Exception, connection: RealtimeConnection | None) -> None:
        """``error`` was raised where ``connection`` was used; None: where none could be opened."""
        if connection is not self._connection.current:
            return  # another user of the same connection has reported it
        if not isinstance(error, ProviderError):
            log_crash(logger, error, self._log_facts)
        reason = FailureReason.of(error)
        self._count_failure(reason.code)
        reconnect = self._recovery.should_reconnect(error, was_open=connection is not None)
        self._connection.drop()
        turn = self._matcher.on_connection_lost()
        self._clear_response_timeout()
        if reconnect:
            self._fail_reply(reason)
            if turn:
                why = (reason.code, reason.message, reason.retryable)
                self._emit(StageFailed(turn, "realtime", self._provider, *why))
            self._background.start_job(self._ensure_open(), name="reopen", on_error="fail")
            return
        if self._reply and not self._reply.complete:
            self._break_off(self._reply)
        self._emit_engine_lost(reason)

    def _on_crash(self, error: Exception) -> None:
        """A bug has ended a loop or a job, which logged it."""
        self._crashed = FailureReason.of(error)
        if self._reply and not self._reply.complete:
            self._count_failure(self._crashed.code)
        self._emit_engine_lost(self._crashed)
        self._clear_response_timeout()
        self._connection.drop()

    def _fail_reply(self, reason: FailureReason) -> None:
        reply = self._reply
        if reply is None or reply.complete:
            return
        self._break_off(reply)
        self._matcher.on_reply_cancelled(reply)
        self._clear_response_timeout()
        why = (self._provider, reason.code, reason.message, reason.retryable)
        self._emit(StageFailed(reply.turn_id, "realtime", *why, reply.id))

    def _fail_turn(
        self, turn: UUID, stage: Stage, code: str, message: str, reply: UUID | None = None
    ) -> None:
        self._emit(StageFailed(turn, stage, "", code, message, retryable=True, reply_id=reply))

    def _emit_engine_lost(self, reason: FailureReason) -> None:
        why = (reason.code, reason.message, reason.retryable)
        self._emit(EngineLost(self._provider, *why))

    def _emit(self, event: EngineEvent) -> None:
        self._events.put_nowait(event)

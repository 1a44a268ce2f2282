"""The engine of realtime mode: one line to a speech-to-speech provider, kept as a cascade is."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Coroutine, Sequence
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from interaction.bus.hub import hub
from interaction.bus.redis_client import CONNECTION_ERRORS, RETRY_FOR
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
    StageFailed,
    UsageReported,
)
from interaction.core.orders import (
    CancelReply,
    DropTurn,
    EndTurn,
    EngineOrder,
    OpenTurn,
    Respond,
    SendAudio,
)
from interaction.core.records import TurnRecord
from interaction.core.redaction import Redactor
from interaction.core.types import Message, Stage
from interaction.crashes import log_crash
from interaction.providers.base import (
    LineEvent,
    RealtimeLine,
    ReplyDone,
    SpeechBegan,
    SpeechOver,
    SpokenText,
    Voice,
    Words,
)
from interaction.providers.errors import ProviderError, ProviderTimeout
from interaction.realtime.order_sender import OrderSender, are_ours
from interaction.realtime.provider_connection import ProviderConnection
from interaction.realtime.reply import RealtimeReply
from interaction.realtime.response_matching import ResponseMatcher
from interaction.realtime.tool_calls import ToolCalls
from interaction.turn_records.archive_queue import ArchiveQueue
from interaction.turn_records.note_fields import Note
from interaction.turn_records.recorder import TurnRecorder

logger = logging.getLogger(__name__)

SILENT_FOR = 10.0
"""Seconds for which the provider may say nothing while a reply is due."""


class RealtimeEngine:
    """Implements ``interaction.core.engine.Engine``."""

    def __init__(self, spec: SessionSpec) -> None:
        assert spec.realtime is not None, "a session in realtime mode names its provider"
        self.session_id = spec.session_id
        self._spec = spec
        self._provider = spec.realtime.name
        self._now = asyncio.get_running_loop().time
        self._hub = hub()
        self._watch = StageWatchdog()
        self._handover = ArchiveQueue(spec, WatchedPublisher(self._watch, self._fail_with))
        self._keeping = TurnRecorder(spec, self._handover)
        self._tooling = ToolCalls(spec, self._tell, self._keeping)
        self._line = ProviderConnection(spec, self._tooling.specs)
        self._turns_are_ours = are_ours(spec.turns)
        self._to_provider = OrderSender(self._line, spec.turns, self._give_up)
        self._events: asyncio.Queue[EngineEvent | None] = asyncio.Queue()
        self._sorting = ResponseMatcher(turns_are_ours=self._turns_are_ours)
        self._reply: RealtimeReply | None = None
        """The one that comes, or came last."""
        self._asked_at = 0.0
        self._resumed = False
        """The line was opened anew, and no reply has come whole since."""
        self._deadline: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
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
        self._handover.start(self._hub.channel)
        self._keeping.start()
        self._begin(self._to_provider.work())
        self._begin(self._follow())

    def execute(self, order: EngineOrder) -> None:
        if self._closed:
            return
        match order:
            case OpenTurn(turn_id, sequence):
                self._keeping.open_turn(turn_id, sequence, "speech")
                if words := self._sorting.opened(turn_id):
                    self._understand(turn_id, words)
            case SendAudio(turn_id, pcm):
                self._keeping.feed_user_audio(turn_id, pcm)
            case EndTurn(turn_id, reply_id):
                self._keeping.feed_user_audio(turn_id, b"", last=True)
                self._keeping.note(turn_id, Note.reply(reply_id))
                reply = self._expect(RealtimeReply(turn_id, reply_id), order.context)
                early = self._sorting.ended(turn_id, reply)
                if early is None:
                    self._to_provider.fall_silent()
                for event in early or ():
                    self._of_reply(reply, event)
            case Respond(turn_id, sequence, reply_id, context):
                said = context[-1].content if context else ""
                notes = Note.reply(reply_id), Note.transcript(said)
                self._keeping.open_turn(turn_id, sequence, "text", *notes)
                self._sorting.asked(self._expect(RealtimeReply(turn_id, reply_id), context[:-1]))
            case DropTurn(turn_id):
                self._sorting.dropped(turn_id)
                if turn_id in self._handover:
                    self._keeping.drop_turn(turn_id)
            case CancelReply(reply_id=reply_id):
                if not (self._reply and self._reply.id == reply_id):
                    return
                self._cancel(self._reply)
        self._to_provider.put(order)

    async def wait_until_executed(self) -> None:
        await self._keeping.wait_until_written()

    def archive_turn(self, record: TurnRecord) -> None:
        if self._closed:
            return
        if self._reply and self._reply.turn == record.turn_id:
            self._line.closed(record)
        self._keeping.archive(record)

    async def events(self) -> AsyncGenerator[EngineEvent, None]:
        while (event := await self._events.get()) is not None:
            if isinstance(event, EngineSpeechStarted):
                self._sorting.speech_told()
            yield event

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._rest()
        for task in self._tasks:
            task.cancel()
        try:
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self._line.close()
            await self._keeping.wait_until_written()
            await self._handover.wait_until_empty()
        finally:
            await self._keeping.stop()
            await self._handover.stop()
            await self._hub.leave(self)
            self._events.put_nowait(None)

    # What the hub brings: news of the archive.

    def open_turns(self) -> list[UUID]:
        return self._handover.open_turns()

    def check_stages(self, now: float, linked: bool) -> None:
        lost, _silent = self._watch.check(now, linked)
        for job in lost:
            self._lose(job)

    def on_report(self, report: StageReport, now: float) -> None:
        job = report.job
        if not self._watch.is_watching(job):
            return
        if report.kind == "beat":
            whole: bool | None = self._watch.on_beat(job, report.number, now)
        else:
            whole = self._watch.on_report(job, report.number, now)
        if whole is False:
            self._lose(job)
        elif whole and report.event:
            self._tell(report.event)
        if whole and report.kind == "finished":
            self._watch.on_finished(job)

    def _lose(self, job: Job) -> None:
        self._watch.on_finished(job)
        if self._handover.retry(job.turn):
            message = _("The turn is not in the history yet. It is kept, and tried again.")
            self._fail_with(job.turn, "archive", "stage_lost", message)

    # Replies come and go.

    def _expect(self, reply: RealtimeReply, context: tuple[Message, ...]) -> RealtimeReply:
        self._reply, self._asked_at = reply, self._now()
        self._line.replies_to(context)
        self._rest(SILENT_FOR)
        return reply

    def _cancel(self, reply: RealtimeReply) -> None:
        if not reply.complete:
            self._keep_rest(reply)
            self._sorting.stopped(reply)
            self._rest()

    # From the provider.

    async def _follow(self) -> None:
        await self._resume()
        while True:
            await self._line.opened.wait()
            if (line := self._line.current) is None:  # lost again meanwhile
                continue
            try:
                async with contextlib.aclosing(line.events()) as events:  # type: ignore[type-var]
                    async for event in events:
                        if line is not self._line.current:
                            break
                        self._take(event)
            except Exception as error:
                self._give_up(error, line)

    def _take(self, event: LineEvent) -> None:
        match event:
            case SpeechBegan():
                self._sorting.speech_began()
                self._tell(EngineSpeechStarted())
            case SpeechOver():
                self._sorting.speech_over()
                self._tell(EngineSpeechStopped())
            case Words():
                if turn := self._sorting.turn_of(event):
                    self._understand(turn, event)
            case _:
                if reply := self._sorting.reply_of(event):
                    self._of_reply(reply, event)

    def _of_reply(self, reply: RealtimeReply, event: LineEvent) -> None:
        if reply.complete:
            return
        self._rest(SILENT_FOR)
        match event:
            case SpokenText(text):
                if not reply.text:
                    self._measure(reply, "llm_ttft")
                self._write(reply, reply.write(text))
            case Voice(pcm):
                if not reply.heard_anything:
                    reply.heard_anything = True
                    self._measure(reply, "tts_ttfb")
                self._speak(reply, reply.speak(pcm))
            case ReplyDone(calls, cut_off, error, usage):
                if usage:
                    counts = (usage.prompt_tokens, usage.completion_tokens)
                    self._tell(UsageReported(reply.turn, reply.id, *counts))
                if error:
                    self._fail_reply(error.code, error.message, error.retryable)
                elif calls and not cut_off:
                    self._write(reply, reply.pause())
                    self._rest()
                    self._begin(self._run_tools(reply, event))
                else:
                    self._finish(reply, whole=not cut_off)

    async def _run_tools(self, reply: RealtimeReply, done: ReplyDone) -> None:
        line = self._line.current
        try:
            results = await self._tooling.answer(reply.turn, reply.id, done.calls)
            if reply.complete or line is None:
                return
            self._sorting.goes_on(reply)
            await line.results(results)
        except Exception as error:
            self._give_up(error, line)
        else:
            self._rest(SILENT_FOR)

    def _write(self, reply: RealtimeReply, events: Sequence[EngineEvent]) -> None:
        for event in events:
            if isinstance(event, ReplySentence):
                self._keeping.note(reply.turn, Note.sentence(reply.id, event.sentence, event.text))
                if event.sentence == 0:
                    self._measure(reply, "llm_ttfs")
            self._tell(event)

    def _speak(self, reply: RealtimeReply, piece: ReplyAudio) -> None:
        self._keeping.feed_reply_audio(reply.turn, reply.id, piece.sentence, piece.pcm)
        self._tell(piece)

    def _finish(self, reply: RealtimeReply, *, whole: bool) -> None:
        self._rest()
        if whole:
            self._resumed = False
            self._line.serves()
        self._write(reply, reply.finish())
        self._note_text(reply)

    def _keep_rest(self, reply: RealtimeReply) -> None:
        """It breaks off: what has come of it belongs into the history."""
        reply.complete = True
        self._write(reply, reply.pause())
        self._note_text(reply)

    def _note_text(self, reply: RealtimeReply) -> None:
        # Audio without a word of text is found by its first sentence all the same.
        notes = [Note.reply_text(reply.id, reply.text)]
        if not reply.sentences and reply.heard_anything:
            notes.append(Note.sentence(reply.id, 0, ""))
        self._keeping.note(reply.turn, *notes)

    def _understand(self, turn: UUID, words: Words) -> None:
        redactor = Redactor() if self._spec.redact else None
        if not words.final:
            text = redactor.partial(words.text) if redactor else words.text
            self._tell(PartialTranscript(turn, text))
            return
        text = redactor.final(words.text) if redactor else words.text
        self._keeping.note(turn, Note.transcript(text))
        self._tell(FinalTranscript(turn, text))

    def _measure(self, reply: RealtimeReply, metric: str) -> None:
        ms = round(1000 * (self._now() - self._asked_at), 1)
        self._keeping.note(reply.turn, Note.metric(metric, ms))
        self._tell(MetricMeasured(reply.turn, metric, ms))

    # Failures.

    def _rest(self, seconds: float | None = None) -> None:
        """Wait for the provider's next word so long; None: it owes nothing."""
        if self._deadline:
            self._deadline.cancel()
            self._deadline = None
        if seconds is not None and not self._closed:
            loop = asyncio.get_running_loop()
            self._deadline = loop.call_later(seconds, self._fell_silent)

    def _fell_silent(self) -> None:
        message = _("%(provider)s has stopped answering.") % {"provider": self._provider}
        timeout = ProviderTimeout(message, stage="realtime", provider=self._provider)
        self._give_up(timeout, self._line.current)

    def _give_up(self, error: Exception, line: RealtimeLine | None) -> None:
        """``line`` is lost; None: there was none to be had. Who is not told for good is tried
        once more, with what was said."""
        if line is not self._line.current:
            return  # somebody else who used it has said so before
        again = line is not None and not self._resumed
        if isinstance(error, ProviderError):
            again = again and error.retryable
            why = (error.code, error.message, error.retryable)
        else:
            log_crash(logger, error, {"session": self.session_id})
            why = ("engine_crashed", _("An error of this program; its log says where."), False)
        self._resumed = self._resumed or again
        self._line.drop()
        turn = self._sorting.forget()
        self._rest()
        if again:
            self._fail_reply(*why)
            if turn:
                self._tell(StageFailed(turn, "realtime", self._provider, *why))
            self._begin(self._resume())
            return
        if self._reply and not self._reply.complete:
            self._keep_rest(self._reply)
        self._tell(EngineLost(self._provider, *why))

    async def _resume(self) -> None:
        try:
            await self._line.ready()
        except Exception as error:
            self._give_up(error, None)

    def _fail_reply(self, code: str, message: str, retryable: bool) -> None:
        reply = self._reply
        if reply is None or reply.complete:
            return
        self._keep_rest(reply)
        self._sorting.stopped(reply)
        self._rest()
        why = (self._provider, code, message, retryable)
        self._tell(StageFailed(reply.turn, "realtime", *why, reply.id))

    def _fail_with(
        self, turn: UUID, stage: Stage, code: str, message: str, reply: UUID | None = None
    ) -> None:
        self._tell(StageFailed(turn, stage, "", code, message, retryable=True, reply_id=reply))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _tell(self, event: EngineEvent) -> None:
        self._events.put_nowait(event)

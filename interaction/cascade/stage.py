"""What all runs of a stage have in common: claimed once, with beats, cancellable, with reports."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from channels.layers import get_channel_layer
from django.utils.translation import gettext as _

from interaction.bus import redis_keys
from interaction.bus.audio_streams import AudioLost, StreamSilent
from interaction.bus.background import Background
from interaction.bus.cancellation import running_stages
from interaction.bus.publisher import NotPublished, publisher
from interaction.bus.redis_client import CONNECTION_ERRORS, RedisError, get_redis, retry_while_down
from interaction.bus.stage_messages import ReportKind, StageReport, StageRequest, pack_report
from interaction.bus.stage_watchdog import Job
from interaction.core.events import EngineEvent, MetricMeasured, StageFailed
from interaction.provider_calls.counter import CallCounter
from interaction.providers.errors import ProviderError
from interaction.safe_logging import log_crash
from interaction.turn_records.note_fields import Note
from interaction.turn_records.turn_notes import NotesWriter, TurnNotes

logger = logging.getLogger(__name__)

BEAT_EVERY = 0.5
"""Seconds."""
STOPPED = {
    "stt": "transcription stopped",
    "llm": "response stopped",
    "tts": "synthesis stopped",
    "archive": "archiving stopped",
}


class StageGaveUp(Exception):
    """The stage cannot do its work: ``code`` for programs, ``message`` for the person."""

    def __init__(self, code: str, message: str, *, retryable: bool = True) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.retryable = retryable


class StageRun:
    """One run of a stage, while it lasts."""

    def __init__(self, request: StageRequest) -> None:
        self.request = request
        self.redis = get_redis()
        self.notes = TurnNotes(self.redis, request.turn_id)
        self.provider = ""
        """Name of the provider at work, for the record of a failure."""
        self.abandoned = asyncio.Event()
        """No web process has the session any more: what is made now is for the archive."""
        self.hurry = self.abandoned if request.spec.paced else asyncio.Event()
        """There is no playback to keep pace with."""
        if not request.spec.paced:
            self.hurry.set()
        self.aborted: StageGaveUp | None = None
        """Why the run stopped itself."""
        self.calls = CallCounter(self.redis, request.log_facts())
        self._layer = get_channel_layer()
        self._notes_writer = NotesWriter(self.notes, request.log_facts())
        self._reports = 0
        """Reports so far, beats not counted."""
        self._reporting = asyncio.Lock()

    async def emit(self, event: EngineEvent) -> None:
        """Report an event to the web side, where a loss is noticed: reports are numbered."""
        await self._report("event", event=event)

    async def emit_metric(self, metric: str, started_at: float) -> None:
        """Report the time since ``started_at``, which is this process's ``time.monotonic()``."""
        ms = round(1000 * (time.monotonic() - started_at), 1)
        self.note(Note.metric(metric, ms))
        await self.emit(MetricMeasured(self.request.turn_id, metric, ms))

    def note(self, *notes: Note) -> None:
        """Write to the turn's notes behind the work, which need not wait for it."""
        self._notes_writer.note(*notes)

    async def enqueue_stage(self, request: StageRequest, **kwargs: Any) -> None:
        """Publish another stage of the same turn; the web side watches it from now on."""
        await self._report("queued", queued=request.job)
        try:
            # This stage itself counts as at work until both are done.
            await asyncio.gather(
                self.notes.mark_working(request.job), publisher().publish(request, **kwargs)
            )
        except NotPublished as error:
            await self.notes.mark_done(request.job)
            message = _("The task queue does not answer. Please try again.")
            raise StageGaveUp("queue_unavailable", message) from error

    async def fail(self, failure: StageFailed) -> None:
        """Log, note and report a failure; never raises for a broken Redis."""
        logger.warning(
            "stage failed",
            extra={**self.request.log_facts(), "provider": failure.provider, "code": failure.code},
        )
        with contextlib.suppress(*CONNECTION_ERRORS):
            await self.emit(failure)
            if failure.stage != "archive":
                self.note(Note.error(failure))

    async def claim(self) -> bool:
        """Whether this run is the first of its kind, and still wanted."""
        job = self.request.job
        key = redis_keys.stage_claim(job)
        if not await self.redis.set(key, 1, nx=True, ex=redis_keys.LIFETIME):
            logger.info("duplicate dropped", extra=self.request.log_facts())
            return False
        pulse = await self.notes.beat(job, self.request.spec.session_id)
        if pulse.cancelled:
            logger.info(STOPPED[job.stage], extra=self.request.log_facts())
        if not pulse.session_live:
            self.abandoned.set()
        return not pulse.cancelled

    @contextlib.asynccontextmanager
    async def beating(self) -> AsyncIterator[None]:
        """Within it the run reports that it lives, at once and twice a second, and its task is
        cancelled where its work is not wanted any more."""
        await self._report("beat")
        task = asyncio.current_task()
        assert task is not None, "stages run as tasks"
        background = Background(f"{self.request.stage} stage", log_facts=self.request.log_facts())
        background.start_loop("beat", lambda: self._beat(task), on_error="continue", pause=0)
        try:
            yield
        finally:
            await background.stop()

    async def finish(self) -> None:
        """Write what is still to be written, and report the end."""
        with contextlib.suppress(*CONNECTION_ERRORS):
            await self._notes_writer.flush()
            await self._report("finished")
            await self.notes.mark_done(self.request.job)
        await self.calls.flush()

    async def _beat(self, task: asyncio.Task[Any]) -> None:
        """Beat for ``task``; cancel it where the work was cancelled or Redis has lost the turn."""
        await asyncio.sleep(BEAT_EVERY)
        with contextlib.suppress(*CONNECTION_ERRORS):
            await self._report("beat")
            pulse = await self.notes.beat(self.request.job, self.request.spec.session_id)
            if not pulse.session_live:
                self.abandoned.set()
            if self.request.stage == "archive":
                return
            if not pulse.claimed:
                message = _("Redis was restarted and lost this turn. Please try again.")
                self.aborted = StageGaveUp("redis_lost", message)
            if pulse.cancelled or self.aborted:
                task.cancel()

    async def _report(
        self, kind: ReportKind, event: EngineEvent | None = None, queued: Job | None = None
    ) -> None:
        if not self.request.channel:
            return
        async with self._reporting:
            number = self._reports
            if kind != "beat":
                self._reports += 1
            report = StageReport(
                self.request.spec.session_id, self.request.job, number, kind, event, queued
            )
            message = pack_report(report)
            await retry_while_down(lambda: self._layer.send(self.request.channel, message))


async def run_stage(
    request: StageRequest, work: Callable[[StageRun], Awaitable[None]], deadline: float
) -> None:
    """Run a stage, at most once. Whatever goes wrong is reported, never raised.

    ``deadline``: seconds for the whole run.
    """
    run = StageRun(request)
    claimed = False
    try:
        with running_stages.running(request.job):
            claimed = await retry_while_down(run.claim)
            if claimed:
                await _run(run, work, deadline)
    except asyncio.CancelledError:
        if run.aborted:
            await run.fail(stage_failure(run, run.aborted))
        else:
            logger.info(STOPPED[request.stage], extra=request.log_facts())
    finally:
        # Outside ``running_stages``: a cancellation must not keep the end from being reported.
        if claimed:
            await run.finish()


async def run_repeatable(
    request: StageRequest, work: Callable[[StageRun], Awaitable[None]], deadline: float
) -> None:
    """Run a stage that may run any number of times and cannot be cancelled."""
    run = StageRun(request)
    try:
        await _run(run, work, deadline)
    finally:
        await run.finish()


async def _run(run: StageRun, work: Callable[[StageRun], Awaitable[None]], deadline: float) -> None:
    facts = run.request.log_facts()
    logger.info("stage started", extra=facts)
    try:
        async with run.beating(), asyncio.timeout(deadline):
            await work(run)
        logger.info("stage finished", extra=facts)
    except Exception as error:
        await run.fail(stage_failure(run, error))


def stage_failure(run: StageRun, error: Exception) -> StageFailed:
    """An error as the person and the turn's record get to know it."""
    request = run.request
    match error:
        case ProviderError():
            code, message, retryable = error.code, error.message, error.retryable
        case StageGaveUp():
            code, message, retryable = error.code, error.message, error.retryable
        case RedisError():
            code, message, retryable = "redis_unavailable", _("Redis does not answer."), True
        case TimeoutError():
            code, retryable = "stage_timeout", True
            message = _("It took too long. Please try again.")
        case AudioLost():
            code, message, retryable = "audio_lost", _("Some of the audio was lost."), True
        case StreamSilent():
            code, message, retryable = "audio_silent", _("No more audio came."), True
        case _:
            code, retryable = "stage_crashed", False
            message = _("An error of this program; its log says where.")
            log_crash(logger, error, request.log_facts())
    reply = request.reply_id
    return StageFailed(
        request.turn_id, request.stage, run.provider, code, message, retryable, reply
    )

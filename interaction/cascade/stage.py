"""What every stage run has in common: at most once, alive and saying so, stoppable, accountable."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from channels.layers import get_channel_layer
from django.utils.translation import gettext as _

from interaction.bus.audio_streams import LIFETIME, AudioLost, StreamSilent
from interaction.bus.cancellation import running_stages
from interaction.bus.publisher import NotPublished, publisher
from interaction.bus.redis_client import CONNECTION_ERRORS, RedisError, get_redis, retry_while_down
from interaction.bus.stage_messages import Says, StageReport, StageRequest, pack_report
from interaction.bus.stage_watchdog import Job
from interaction.core.events import EngineEvent, MetricMeasured, StageFailed
from interaction.providers.errors import ProviderError
from interaction.safe_logging import log_crash
from interaction.turn_records.turn_notes import TurnNotes, claim_key

logger = logging.getLogger(__name__)

BEAT_EVERY = 0.5
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

    def __init__(self, ticket: StageRequest) -> None:
        self.ticket = ticket
        self.redis = get_redis()
        self.notes = TurnNotes(self.redis, ticket.turn_id)
        self.provider = ""
        """Name of the provider at work, for the record of a failure."""
        self.abandoned = asyncio.Event()
        """No web process has the session any more: what is made now is for the archive."""
        self.hurry = self.abandoned if ticket.spec.paced else asyncio.Event()
        """There is no playback to keep pace with."""
        if not ticket.spec.paced:
            self.hurry.set()
        self.aborted: StageGaveUp | None = None
        """Why the run stopped itself."""
        self._layer = get_channel_layer()
        self._unwritten: dict[str, Any] = {}
        self._writing: asyncio.Task[None] | None = None
        self._said = 0
        self._saying = asyncio.Lock()

    async def tell(self, event: EngineEvent) -> None:
        """Report to the web side. What is reported is numbered: a loss is noticed there."""
        await self._say("event", event=event)

    async def measure(self, metric: str, began_at: float) -> None:
        """Report the time since ``began_at``, which is this process's ``time.monotonic()``."""
        ms = round(1000 * (time.monotonic() - began_at), 1)
        self.note(**{f"ms:{metric}": ms})
        await self.tell(MetricMeasured(self.ticket.turn_id, metric, ms))

    def note(self, **facts: Any) -> None:
        """Write to the turn's notes behind the work, which need not wait for it."""
        self._unwritten |= facts
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())

    async def _write(self) -> None:
        with contextlib.suppress(*CONNECTION_ERRORS):
            while self._unwritten:
                facts, self._unwritten = self._unwritten, {}
                await self.notes.write(**facts)

    async def hand_over(self, ticket: StageRequest, **kwargs: Any) -> None:
        """Enqueue another stage of the same turn, saying so first: it is watched from then on."""
        await self._say("queued", queued=ticket.job)
        try:
            # This stage itself counts as at work until both are done.
            await asyncio.gather(
                self.notes.working(ticket.job), publisher().publish(ticket, **kwargs)
            )
        except NotPublished as error:
            await self.notes.done_working(ticket.job)
            message = _("The task queue does not answer. Please try again.")
            raise StageGaveUp("queue_unavailable", message) from error

    async def fail(self, failure: StageFailed) -> None:
        """Log, note and report a failure; never raises for a broken Redis."""
        logger.warning(
            "stage failed",
            extra={**self.ticket.facts(), "provider": failure.provider, "code": failure.code},
        )
        error = {
            name: getattr(failure, name)
            for name in ("stage", "provider", "code", "message", "retryable")
        }
        with contextlib.suppress(*CONNECTION_ERRORS):
            await self.tell(failure)
            if failure.stage != "archive":
                self.note(error=error)

    async def claim(self) -> bool:
        """Whether this run is the first of its kind, and still wanted."""
        job = self.ticket.job
        if not await self.redis.set(claim_key(job), 1, nx=True, ex=LIFETIME):
            logger.info("duplicate dropped", extra=self.ticket.facts())
            return False
        pulse = await self.notes.beat(job, self.ticket.spec.session_id)
        if pulse.cancelled:
            logger.info(STOPPED[job.stage], extra=self.ticket.facts())
        if not pulse.session_live:
            self.abandoned.set()
        return not pulse.cancelled

    @contextlib.asynccontextmanager
    async def alive(self) -> AsyncIterator[None]:
        """Say so, at once and twice a second."""
        await self._say("beat")
        task = asyncio.current_task()
        assert task is not None, "stages run as tasks"
        beating = asyncio.create_task(self._beat(task))
        try:
            yield
        finally:
            beating.cancel()

    async def finish(self) -> None:
        with contextlib.suppress(*CONNECTION_ERRORS):
            if self._writing:
                await self._writing
            await self._say("finished")
            await self.notes.done_working(self.ticket.job)

    async def _beat(self, task: asyncio.Task[Any]) -> None:
        """Beat for ``task``, and stop it where it was cancelled or has lost its ground."""
        job = self.ticket.job
        while True:
            await asyncio.sleep(BEAT_EVERY)
            with contextlib.suppress(*CONNECTION_ERRORS):
                await self._say("beat")
                pulse = await self.notes.beat(job, self.ticket.spec.session_id)
                if not pulse.session_live:
                    self.abandoned.set()
                if job.stage == "archive":
                    continue
                if not pulse.claimed:
                    message = _("Redis was restarted and lost this turn. Please try again.")
                    self.aborted = StageGaveUp("redis_lost", message)
                if pulse.cancelled or self.aborted:
                    task.cancel()

    async def _say(
        self, says: Says, event: EngineEvent | None = None, queued: Job | None = None
    ) -> None:
        if not self.ticket.channel:
            return
        async with self._saying:
            number = self._said
            if says != "beat":
                self._said += 1
            report = StageReport(
                self.ticket.spec.session_id, self.ticket.job, number, says, event, queued
            )
            message = pack_report(report)
            await retry_while_down(lambda: self._layer.send(self.ticket.channel, message))


async def run_stage(
    ticket: StageRequest, work: Callable[[StageRun], Awaitable[None]], deadline: float
) -> None:
    """Run a stage, at most once. Whatever goes wrong is reported, never raised.

    ``deadline``: seconds for the whole run.
    """
    run = StageRun(ticket)
    claimed = False
    try:
        with running_stages.on(ticket.job):
            claimed = await retry_while_down(run.claim)
            if claimed:
                await _work(run, work, deadline)
    except asyncio.CancelledError:
        if run.aborted:
            await run.fail(failure(run, run.aborted))
        else:
            logger.info(STOPPED[ticket.stage], extra=ticket.facts())
    finally:
        # By now nobody can stop it: that it is over has to be said.
        if claimed:
            await run.finish()


async def run_again(
    ticket: StageRequest, work: Callable[[StageRun], Awaitable[None]], deadline: float
) -> None:
    """Run a stage that may run any number of times and is not to be stopped."""
    run = StageRun(ticket)
    try:
        await _work(run, work, deadline)
    finally:
        await run.finish()


async def _work(
    run: StageRun, work: Callable[[StageRun], Awaitable[None]], deadline: float
) -> None:
    facts = run.ticket.facts()
    logger.info("stage started", extra=facts)
    try:
        async with run.alive(), asyncio.timeout(deadline):
            await work(run)
        logger.info("stage finished", extra=facts)
    except Exception as error:
        await run.fail(failure(run, error))


def failure(run: StageRun, error: Exception) -> StageFailed:
    """What the person and the record get to know of an error."""
    ticket = run.ticket
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
            log_crash(logger, error, ticket.facts())
    reply = ticket.reply_id
    return StageFailed(ticket.turn_id, ticket.stage, run.provider, code, message, retryable, reply)

"""Background work of an object that lives on an event loop: supervised loops and one-off jobs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Literal

from interaction.safe_logging import NO_FACTS, log_crash

logger = logging.getLogger(__name__)

OnCrash = Callable[[Exception], None]


class StrayCancellation(Exception):
    """A step or a job was left by a ``CancelledError``, though nobody had cancelled its task: it
    awaited a task or a future of somebody else's that was cancelled."""


class Background:
    """Runs loops and jobs as tasks of the running event loop, and ends them all.

    An unexpected exception is a bug: it is logged by its types and frames, without its text, once,
    and never lost. A cancellation of a task ends that task and is never swallowed.
    """

    def __init__(
        self,
        name: str,
        *,
        log_facts: Mapping[str, object] = NO_FACTS,
        on_crash: OnCrash | None = None,
    ) -> None:
        """``name`` stands before the names of loops and jobs, in logs and in tasks' names.

        ``log_facts`` go with every log line, as ``extra=``. ``on_crash`` is called, on the event
        loop, with the bug that ended a loop of ``on_error="fail"`` or a job of that kind, but not
        after ``stop``: the owner fails its session there, and may start ``stop`` as a task of its
        own.
        """
        self.name = name
        self._log_facts = log_facts
        self._on_crash = on_crash
        self._loops: set[asyncio.Task[None]] = set()
        self._jobs: set[asyncio.Task[Any]] = set()
        self._stopped = False

    def start_loop(
        self,
        name: str,
        step: Callable[[], Awaitable[None]],
        *,
        on_error: Literal["continue", "fail"],
        pause: float = 0.5,
        expected: tuple[type[Exception], ...] = (),
    ) -> None:
        """Await ``step()`` again and again until ``stop``; a step must wait for something.

        An exception of a type in ``expected`` is logged in one line without a traceback, and the
        loop goes on after ``pause`` seconds. After a bug it goes on likewise (``"continue"``), or
        ends for good and calls ``on_crash`` (``"fail"``); other loops are not concerned.
        """
        if self._stopped:
            return
        work = self._repeat(name, step, on_error == "fail", pause, expected)
        task = asyncio.create_task(work, name=self._full_name(name))
        self._loops.add(task)
        task.add_done_callback(self._loops.discard)

    def start_job(
        self,
        coroutine: Coroutine[Any, Any, Any],
        *,
        name: str = "job",
        on_error: Literal["log", "fail"] = "log",
    ) -> None:
        """Run ``coroutine`` once. Nothing waits for it but ``drain`` and ``stop``.

        A bug is logged; ``"fail"`` calls ``on_crash`` with it, too. After ``stop`` the coroutine is
        closed without having been started.
        """
        if self._stopped:
            coroutine.close()
            return
        task = asyncio.create_task(coroutine, name=self._full_name(name))
        self._jobs.add(task)
        task.add_done_callback(lambda done: self._end_job(done, name, on_error == "fail"))

    async def drain(self) -> None:
        """Wait until all jobs are done, those that are started meanwhile included. A job that calls
        it does not wait for itself."""
        while waiting := self._jobs - {asyncio.current_task()}:
            await asyncio.wait(waiting)

    async def stop(self, within: float = 5.0) -> None:
        """Cancel all loops and jobs and wait until they have ended, at most ``within`` seconds;
        log those that have not. From now on nothing starts.

        Each task is cancelled once, however often this is called. Called by a loop's step or by a
        job, it leaves that one alone: it returns to its caller, after which a loop ends. Cancelled
        itself, it waits no longer; the tasks end all the same.
        """
        self._stopped = True
        others = (self._loops | self._jobs) - {asyncio.current_task()}
        for task in others:
            if not task.cancelling():
                task.cancel()
        if not others:
            return
        _, remaining = await asyncio.wait(others, timeout=within)
        for task in remaining:
            logger.error("does not end: %s", task.get_name(), extra=dict(self._log_facts))

    async def _repeat(
        self,
        name: str,
        step: Callable[[], Awaitable[None]],
        fails: bool,
        pause: float,
        expected: tuple[type[Exception], ...],
    ) -> None:
        while not (self._stopped or _is_cancelled()):
            try:
                await step()
            except asyncio.CancelledError as cancelled:
                if _is_cancelled():
                    raise
                error: Exception = _stray(cancelled)
            except Exception as raised:
                error = raised
            else:
                continue
            if isinstance(error, expected):
                message = f"{self._full_name(name)}: {type(error).__name__}"
                logger.warning(message, extra=dict(self._log_facts))
            else:
                self._crash(name, error, fails)
                if fails:
                    return
            del error  # its frames must not be kept until the next one
            if not (self._stopped or _is_cancelled()):
                await asyncio.sleep(pause)

    def _end_job(self, task: asyncio.Task[Any], name: str, fails: bool) -> None:
        self._jobs.discard(task)
        if task.cancelled():
            if not task.cancelling():
                self._crash(name, StrayCancellation(), fails)
            return
        error = task.exception()
        if isinstance(error, Exception):
            self._crash(name, error, fails)

    def _crash(self, name: str, error: Exception, fails: bool) -> None:
        log_crash(logger, error, self._log_facts, f"{self._full_name(name)} crashed")
        if not fails or self._stopped or self._on_crash is None:
            return
        try:
            self._on_crash(error)
        except Exception as another:
            message = f"{self._full_name(name)}: on_crash crashed"
            log_crash(logger, another, self._log_facts, message)

    def _full_name(self, name: str) -> str:
        return f"{self.name}: {name}"


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _stray(cancelled: asyncio.CancelledError) -> StrayCancellation:
    error = StrayCancellation()
    error.__cause__ = cancelled
    error.__traceback__ = cancelled.__traceback__
    return error

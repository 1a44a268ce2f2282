"""Background work is never lost: each bug is logged once, each task ends with its owner."""

from __future__ import annotations

import asyncio
import gc
import logging
import warnings
import weakref
from typing import Literal

import pytest

from interaction.bus.background import Background

WORDS = "my name is john"

pytestmark = pytest.mark.usefixtures("no_leaked_tasks")


class Away(Exception):
    """The kind of failure that a step expects."""


class OddBug(Exception):
    """The kind that nobody expects."""


class Steps:
    """A step that raises what it is given, one after the other, and then waits for ever."""

    def __init__(self, *errors: BaseException) -> None:
        self._errors = list(errors)
        self.calls = 0
        self.at_rest = asyncio.Event()
        self.ended = asyncio.Event()

    async def __call__(self) -> None:
        self.calls += 1
        if self._errors:
            raise self._errors.pop(0)
        self.at_rest.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.ended.set()


async def many_rounds() -> None:
    """Let everything go on that waits for nothing but the event loop."""
    for _ in range(50):
        await asyncio.sleep(0)


async def break_at_the_end() -> None:
    try:
        await asyncio.Event().wait()
    finally:
        raise OddBug(WORDS)


def crashes(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    assert WORDS not in caplog.text
    assert "never retrieved" not in caplog.text
    return [record for record in caplog.records if record.exc_info]


class TestALoop:
    async def test_steps_again_and_again(self) -> None:
        background = Background("hub")
        done, again = 0, asyncio.Event()

        async def step() -> None:
            nonlocal done
            done += 1
            if done == 3:
                again.set()
            await asyncio.sleep(0)

        background.start_loop("count", step, on_error="fail")
        await again.wait()
        await background.stop()
        assert done >= 3

    async def test_goes_on_after_a_bug_that_is_logged_with_its_type_and_frames(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        crashed: list[Exception] = []
        background = Background("hub", log_facts={"session": "s1"}, on_crash=crashed.append)
        steps = Steps(OddBug(WORDS), OddBug(WORDS))
        background.start_loop("receive", steps, on_error="continue", pause=0)
        await steps.at_rest.wait()
        await background.stop()
        first, second = crashes(caplog)
        assert first.getMessage() == f"hub: receive crashed: {OddBug.__module__}.OddBug"
        assert vars(second)["session"] == "s1"
        assert "test_background.py" in caplog.text
        assert (steps.calls, crashed) == (3, [])

    async def test_pauses_after_a_bug(self) -> None:
        background = Background("hub")
        steps = Steps(OddBug())
        background.start_loop("receive", steps, on_error="continue", pause=3600)
        await many_rounds()
        await background.stop()
        assert steps.calls == 1

    @pytest.mark.parametrize("on_error", ["continue", "fail"])
    async def test_tells_of_what_it_expects_in_one_line_and_goes_on(
        self, caplog: pytest.LogCaptureFixture, on_error: Literal["continue", "fail"]
    ) -> None:
        crashed: list[Exception] = []
        background = Background("hub", on_crash=crashed.append)
        steps = Steps(Away(WORDS))
        background.start_loop("echo", steps, on_error=on_error, pause=0, expected=(Away,))
        await steps.at_rest.wait()
        await background.stop()
        assert [record.getMessage() for record in caplog.records] == ["hub: echo: Away"]
        assert (crashes(caplog), crashed) == ([], [])

    async def test_that_fails_ends_with_one_call_while_the_others_go_on(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        bug, crashed = OddBug(WORDS), asyncio.Queue[Exception]()
        background = Background("archive", on_crash=crashed.put_nowait)
        failing, other = Steps(bug), Steps()
        background.start_loop("other", other, on_error="fail")
        background.start_loop("failing", failing, on_error="fail", pause=0)
        assert await crashed.get() is bug
        await many_rounds()
        assert (failing.calls, len(crashes(caplog)), crashed.qsize()) == (1, 1, 0)
        assert not other.ended.is_set()
        await background.stop()
        assert other.ended.is_set()

    async def test_survives_an_owner_that_breaks_when_it_is_called(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        def on_crash(error: Exception) -> None:
            raise LookupError(WORDS)

        background = Background("archive", on_crash=on_crash)
        background.start_loop("failing", Steps(OddBug(WORDS)), on_error="fail")
        await many_rounds()
        await background.stop()
        assert [record.getMessage().rpartition(".")[2] for record in crashes(caplog)] == [
            "OddBug",
            "LookupError",
        ]

    async def test_takes_a_cancellation_that_nobody_asked_for_as_a_bug(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        background = Background("hub")
        steps = Steps(asyncio.CancelledError(WORDS))
        background.start_loop("receive", steps, on_error="continue", pause=0)
        await steps.at_rest.wait()
        await background.stop()
        (record,) = crashes(caplog)
        assert record.getMessage().endswith("StrayCancellation")

    async def test_may_be_cancelled_while_it_pauses(self) -> None:
        background = Background("hub")
        background.start_loop("receive", Steps(OddBug()), on_error="continue", pause=3600)
        await many_rounds()
        await background.stop()


class TestAJob:
    async def test_is_waited_for_by_drain_and_so_is_what_it_starts(self) -> None:
        background = Background("archive")
        gate, done = asyncio.Event(), list[str]()

        async def second() -> None:
            await many_rounds()
            done.append("second")

        async def first() -> None:
            await gate.wait()
            background.start_job(second())
            done.append("first")

        background.start_job(first())
        draining = asyncio.create_task(background.drain())
        await many_rounds()
        assert not draining.done()
        gate.set()
        await draining
        assert done == ["first", "second"]

    async def test_that_drains_does_not_wait_for_itself(self) -> None:
        background = Background("archive")
        other, drained = asyncio.Event(), asyncio.Event()

        async def drain() -> None:
            await background.drain()
            assert other.is_set()
            drained.set()

        async def work() -> None:
            await many_rounds()
            other.set()

        background.start_job(drain())
        background.start_job(work())
        await background.drain()
        assert drained.is_set()

    async def test_with_a_bug_is_logged_once_and_calls_nobody(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        crashed: list[Exception] = []
        background = Background("archive", log_facts={"turn": "t1"}, on_crash=crashed.append)
        background.start_job(Steps(OddBug(WORDS))(), name="publish")
        await background.drain()
        gc.collect()
        await many_rounds()
        (record,) = crashes(caplog)
        assert record.getMessage() == f"archive: publish crashed: {OddBug.__module__}.OddBug"
        assert vars(record)["turn"] == "t1"
        assert "test_background.py" in caplog.text
        assert crashed == []

    async def test_with_a_bug_calls_the_owner_where_that_was_asked_for(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        bug, crashed = OddBug(WORDS), list[Exception]()
        background = Background("archive", on_crash=crashed.append)
        background.start_job(Steps(bug)(), on_error="fail")
        await background.drain()
        assert crashed == [bug]
        assert len(crashes(caplog)) == 1

    async def test_cancelled_by_what_it_awaited_is_logged(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        background = Background("archive")
        background.start_job(Steps(asyncio.CancelledError(WORDS))())
        await background.drain()
        (record,) = crashes(caplog)
        assert record.getMessage().endswith("StrayCancellation")

    async def test_may_return_something_that_nobody_wants(self) -> None:
        background = Background("archive")
        background.start_job(asyncio.sleep(0, "a result"))
        await background.drain()


class TestStop:
    async def test_ends_loops_and_jobs_and_lets_them_finish(self) -> None:
        background = Background("hub")
        loop, job = Steps(), Steps()
        background.start_loop("loop", loop, on_error="fail")
        background.start_job(job())
        await loop.at_rest.wait()
        await job.at_rest.wait()
        await background.stop()
        assert loop.ended.is_set()
        assert job.ended.is_set()

    async def test_ends_what_has_not_started_yet_without_a_warning(self) -> None:
        background = Background("hub")
        steps = Steps()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            background.start_loop("loop", steps, on_error="fail")
            background.start_job(steps())
            await background.stop()
            gc.collect()
        assert steps.calls == 0

    async def test_lets_nothing_start_any_more(self) -> None:
        background = Background("hub")
        await background.stop()
        steps = Steps()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            background.start_loop("loop", steps, on_error="fail")
            background.start_job(steps())
            gc.collect()
        await many_rounds()
        await background.drain()
        assert steps.calls == 0

    async def test_may_be_called_again_without_cancelling_twice(self) -> None:
        background = Background("hub")
        cleaning, gate, cleaned = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def work() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                cleaning.set()
                await gate.wait()
                cleaned.set()

        background.start_job(work())
        await many_rounds()
        stops = [asyncio.create_task(background.stop()) for _ in range(2)]
        await cleaning.wait()
        stops.append(asyncio.create_task(background.stop()))
        await many_rounds()
        assert not any(stop.done() for stop in stops)
        gate.set()
        await asyncio.gather(*stops)
        assert cleaned.is_set()
        await background.stop()

    async def test_names_what_does_not_end_in_time(self, caplog: pytest.LogCaptureFixture) -> None:
        background = Background("hub", log_facts={"session": "s1"})
        gate = asyncio.Event()

        async def stubborn() -> None:
            while not gate.is_set():
                try:
                    await gate.wait()
                except asyncio.CancelledError:
                    continue

        background.start_job(stubborn(), name="stubborn")
        await many_rounds()
        await background.stop(within=0)
        (record,) = caplog.records
        assert record.getMessage() == "does not end: hub: stubborn"
        assert vars(record)["session"] == "s1"
        gate.set()
        await background.drain()

    @pytest.mark.parametrize("kind", ["loop", "job"])
    async def test_may_be_called_by_one_of_its_own_tasks(self, kind: str) -> None:
        background = Background("hub")
        other, stopped = Steps(), asyncio.Event()
        steps = 0

        async def stop() -> None:
            nonlocal steps
            steps += 1
            await other.at_rest.wait()
            await background.stop()
            stopped.set()

        background.start_loop("other", other, on_error="fail")
        if kind == "loop":
            background.start_loop("own", stop, on_error="fail")
        else:
            background.start_job(stop())
        await stopped.wait()
        await many_rounds()
        assert other.ended.is_set()
        assert steps == 1

    async def test_may_be_called_by_the_owner_when_a_loop_fails(self) -> None:
        stopping: list[asyncio.Task[None]] = []

        def on_crash(error: Exception) -> None:
            stopping.append(asyncio.create_task(background.stop()))

        background = Background("archive", on_crash=on_crash)
        other = Steps()
        background.start_loop("other", other, on_error="fail")
        background.start_loop("failing", Steps(OddBug()), on_error="fail")
        await other.at_rest.wait()
        await many_rounds()
        await stopping[0]
        assert other.ended.is_set()

    async def test_cancelled_itself_says_so_and_the_tasks_end_all_the_same(self) -> None:
        background = Background("hub")
        cleaning, gate = asyncio.Event(), asyncio.Event()

        async def work() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                cleaning.set()
                await gate.wait()

        background.start_job(work())
        await many_rounds()
        stopping = asyncio.create_task(background.stop())
        await cleaning.wait()
        stopping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await stopping
        gate.set()
        await background.stop()

    async def test_says_of_a_bug_that_only_the_end_brings_out(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        crashed: list[Exception] = []
        background = Background("hub", on_crash=crashed.append)
        background.start_loop("loop", break_at_the_end, on_error="fail")
        background.start_job(break_at_the_end(), on_error="fail")
        await many_rounds()
        await background.stop()
        assert len(crashes(caplog)) == 2
        assert crashed == []

    async def test_by_somebody_else_who_cancels_all_tasks_ends_a_loop_too(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        background = Background("hub")
        background.start_loop("loop", break_at_the_end, on_error="continue", pause=3600)
        await many_rounds()
        (task,) = asyncio.all_tasks() - {asyncio.current_task()}
        task.cancel()
        await asyncio.wait([task])
        assert len(crashes(caplog)) == 1


async def test_a_bug_is_let_go_of_once_it_was_logged() -> None:
    """The frames of one may hold a whole turn's audio."""
    background = Background("hub")
    steps = Steps(bug := OddBug())
    held = weakref.ref(bug)
    del bug
    background.start_loop("receive", steps, on_error="continue", pause=0)
    await steps.at_rest.wait()
    gc.collect()
    assert held() is None
    await background.stop()

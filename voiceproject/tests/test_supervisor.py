"""Parts that die come back; the order of starting and stopping; back-off."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import psutil
import pytest

from voiceproject.supervisor import Part, Supervisor, _ending
from voiceproject.testing.installation import gone, wait_until

pytestmark = pytest.mark.usefixtures("processes")

LASTING = "import time; time.sleep(60)"


class Diary:
    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []
        self.changed = asyncio.Event()

    def say(self, part: str, what: str) -> None:
        self.lines.append((part, what))
        self.changed.set()

    async def until(self, part: str, what: str, count: int = 1) -> None:
        async with asyncio.timeout(20):
            while sum(p == part and what in w for p, w in self.lines) < count:
                self.changed.clear()
                await self.changed.wait()


def part(name: str, code: str, tier: int, is_ready: Callable[[int], Awaitable[bool]]) -> Part:
    return Part(name, [sys.executable, "-c", code], is_ready, tier=tier, linger=0, grace=2)


async def nothing() -> None: ...


async def test_a_part_that_is_killed_comes_back_and_it_is_said() -> None:
    diary, pids = Diary(), list[int]()

    async def is_ready(pid: int) -> bool:
        pids.append(pid)
        return True

    supervisor = Supervisor([part("one", LASTING, 0, is_ready)], diary.say)
    running = asyncio.create_task(supervisor.run(lambda: diary.say("all", "ready"), nothing))
    await diary.until("all", "ready")
    os.kill(pids[0], signal.SIGKILL)
    await diary.until("one", "killed by signal 9; starting it again")
    await diary.until("one", "ready", count=2)
    assert pids[1] != pids[0]
    running.cancel()
    await asyncio.wait([running])
    assert not any(map(psutil.pid_exists, pids))


async def test_a_killed_leash_costs_its_part_a_restart_and_leaves_nothing_behind() -> None:
    diary, pids = Diary(), list[int]()

    async def is_ready(pid: int) -> bool:
        pids.append(pid)
        return True

    supervisor = Supervisor([part("one", LASTING, 0, is_ready)], diary.say)
    running = asyncio.create_task(supervisor.run(lambda: diary.say("all", "ready"), nothing))
    await diary.until("all", "ready")
    child = psutil.Process(pids[0])
    supervisor.leashes["one"].kill()
    await diary.until("one", "ready", count=2)
    await asyncio.to_thread(wait_until, "its child is gone", lambda: gone(child), within=30)
    running.cancel()
    await asyncio.wait([running])


async def test_a_part_that_keeps_dying_is_given_more_and_more_time() -> None:
    diary = Diary()

    async def never(pid: int) -> bool:
        return False

    supervisor = Supervisor([part("one", "raise SystemExit(3)", 0, never)], diary.say)
    running = asyncio.create_task(supervisor.run(lambda: None, nothing))
    await diary.until("one", "ended with code 3", count=3)
    assert [what.rpartition(" in ")[2] for _, what in diary.lines] == ["0.5 s", "1.0 s", "2.0 s"]
    running.cancel()
    await asyncio.wait([running])


async def test_others_start_after_the_first_tier_and_stop_before_it(tmp_path: Path) -> None:
    diary = Diary()
    noting = """
import signal, sys, time
def note(word):
    with open(sys.argv[1], "a") as file: print(sys.argv[2], word, file=file)
def end(*_):
    note("stops"); raise SystemExit
signal.signal(signal.SIGTERM, end)
note("starts")
time.sleep(60)
"""
    log = tmp_path / "log"

    def noting_part(name: str, tier: int) -> Part:
        async def is_ready(pid: int) -> bool:
            return f"{name} starts" in (log.read_text() if log.exists() else "")

        argv = [sys.executable, "-c", noting, str(log), name]
        return Part(name, argv, is_ready, tier=tier, linger=0, grace=5)

    async def between() -> None:
        diary.say("between", log.read_text())

    parts = [noting_part("late", 2), noting_part("base", 0), noting_part("middle", 1)]
    supervisor = Supervisor(parts, diary.say)
    running = asyncio.create_task(supervisor.run(lambda: diary.say("all", "ready"), between))
    await diary.until("all", "ready")
    running.cancel()
    await asyncio.wait([running])
    lines = log.read_text().splitlines()
    assert lines[0] == "base starts"
    assert lines[3:] == ["late stops", "middle stops", "base stops"]
    assert ("between", "\n".join([*lines[:4], ""])) in diary.lines


@pytest.mark.parametrize(("code", "words"), [(137, "killed by signal 9"), (2, "ended with code 2")])
def test_an_exit_code_is_put_into_words(code: int, words: str) -> None:
    assert _ending(code) == words

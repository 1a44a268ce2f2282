"""Keeps a set of processes running, each on a leash: what ``manage.py up`` does."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

LEASH = Path(__file__).with_name("leash.py")
PROJECT = LEASH.parent.parent

SETTLED = 5.0
"""Seconds of life after which a death counts as the first one, and its restart is at once."""
FIRST_DELAY = 0.5
LONGEST_DELAY = 15.0
PROBE_EVERY = 0.1
UNLEASH = 1.0
"""Seconds that a leash gets beyond its child's grace."""


@dataclass(frozen=True, slots=True)
class Part:
    """A process to keep running. Times in seconds, as ``leash`` takes them."""

    name: str
    argv: Sequence[str]
    is_ready: Callable[[int], Awaitable[bool]]
    """Is the process of this id ready?"""
    tier: int
    """Tier 0 is ready before the others start; the highest tier stops first."""
    linger: float
    grace: float


class Supervisor:
    def __init__(
        self, parts: Sequence[Part], say: Callable[[str, str], None], keep_open: Sequence[int] = ()
    ) -> None:
        """``say(part, what)`` gets everything that a person should know, on the loop.

        ``keep_open``: descriptors that every leash inherits, so that a lock held through them
        lasts until the last part is gone.
        """
        self.parts = parts
        self.say = say
        self.keep_open = keep_open
        self.leashes: dict[str, asyncio.subprocess.Process] = {}
        self.ready = {part.name: asyncio.Event() for part in parts}

    async def run(
        self, on_ready: Callable[[], None], between: Callable[[], Awaitable[None]]
    ) -> None:
        """Run until cancelled; then stop all, awaiting ``between`` after the highest tier."""
        try:
            async with asyncio.TaskGroup() as group:
                for part in self.parts:
                    group.create_task(self._keep(part))
                for ready in self.ready.values():
                    await ready.wait()
                on_ready()
        finally:
            await asyncio.shield(asyncio.create_task(self._stop(between)))

    async def _keep(self, part: Part) -> None:
        if part.tier:
            for other in self.parts:
                if other.tier == 0:
                    await self.ready[other.name].wait()
        delay = 0.0
        while True:
            began = time.monotonic()
            code = await self._live(part)
            settled = time.monotonic() - began > SETTLED
            delay = 0.0 if settled else min(LONGEST_DELAY, delay * 2 or FIRST_DELAY)
            when = f" in {delay:.1f} s" if delay else ""
            self.say(part.name, f"{_ending(code)}; starting it again{when}")
            await asyncio.sleep(delay)

    async def _live(self, part: Part) -> int:
        """One life of a part: its exit code."""
        leash = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", str(LEASH), part.name),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=PROJECT,
            start_new_session=True,
            pass_fds=self.keep_open,
        )
        self.leashes[part.name] = leash
        assert leash.stdin
        assert leash.stdout
        order = {"argv": list(part.argv), "linger": part.linger, "grace": part.grace}
        leash.stdin.write(json.dumps(order).encode() + b"\n")
        pid = int(await leash.stdout.readline() or 0)
        probe = asyncio.create_task(self._probe(part, pid))
        try:
            code = await leash.wait()
        finally:
            probe.cancel()
        if code < 0 and pid:
            # Somebody killed the leash, which can no longer see to its child.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)
        return code

    async def _probe(self, part: Part, pid: int) -> None:
        began = time.monotonic()
        while True:
            if await part.is_ready(pid):
                break
            await asyncio.sleep(PROBE_EVERY)
        self.say(part.name, f"ready after {time.monotonic() - began:.1f} s")
        self.ready[part.name].set()

    async def _stop(self, between: Callable[[], Awaitable[None]]) -> None:
        tiers = sorted({part.tier for part in self.parts}, reverse=True)
        for tier in tiers:
            parts = [part for part in self.parts if part.tier == tier]
            await asyncio.gather(*map(self._stop_one, parts))
            if tier == tiers[0]:
                await between()

    async def _stop_one(self, part: Part) -> None:
        leash = self.leashes.get(part.name)
        if leash is None or leash.returncode is not None:
            return
        assert leash.stdin
        with contextlib.suppress(ConnectionError):
            leash.stdin.write(b"stop\n")
        try:
            await asyncio.wait_for(leash.wait(), part.grace + UNLEASH)
        except TimeoutError:
            leash.kill()


def _ending(code: int) -> str:
    """What an exit code says; a leash reports its child's death by a signal as a shell does."""
    return f"killed by signal {code - 128}" if code > 128 else f"ended with code {code}"

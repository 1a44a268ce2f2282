"""Engines that compute on this machine, each in a process of its own.

They hold the interpreter's lock while they compute: in the worker's own process they would stop
its event loop. An engine process ends when its standard input does, so a worker that is killed
leaves none behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, ClassVar, Self
from weakref import WeakKeyDictionary

from interaction.providers.local._shared.engine_pipe import LENGTH, Message, pack, unpack

ROOT = Path(__file__).resolve().parents[4]
STARTS_WITHIN = 20.0
"""Seconds until a started engine says that it is ready; a busy machine takes its time."""

STOPS_WITHIN = 2.0
"""Seconds from the end of its input until it is killed."""


class EngineDied(Exception):
    """The process ended, or could not be started."""


class Exchange:
    """Questions and answers about one utterance or sentence."""

    def __init__(self, engine: Engine, number: int) -> None:
        self._engine = engine
        self._number = number
        self.answers: asyncio.Queue[Message | BaseException] = asyncio.Queue()

    async def send(self, word: str, body: Any = None) -> None:
        await self._engine.write(Message(self._number, word, body))

    async def next_answer(self) -> Message:
        """Raises what stands among the answers in an answer's place, ``EngineDied`` for one."""
        answer = await self.answers.get()
        if isinstance(answer, BaseException):
            raise answer
        return answer


class Engine:
    """One process of ``python -m module``: started when needed, and anew after it died."""

    def __init__(self, module: str) -> None:
        self._module = module
        self._process: Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._starting: asyncio.Task[None] | None = None
        self._exchanges: dict[int, Exchange] = {}
        self._numbers = itertools.count(1)

    @property
    def load(self) -> int:
        """How many exchanges it has at the moment."""
        return len(self._exchanges)

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    async def start(self) -> None:
        """Make sure that it runs and has loaded what it needs. Raises ``EngineDied``."""
        if self._process:
            return
        if not self._starting:
            self._starting = asyncio.create_task(self._launch())
        # Whoever is cancelled meanwhile must not take the engine from the others.
        await asyncio.shield(self._starting)

    @contextlib.asynccontextmanager
    async def exchange(self) -> AsyncIterator[Exchange]:
        """Open an exchange; on leaving, the engine drops what it still has to do for it."""
        exchange = Exchange(self, number := next(self._numbers))
        self._exchanges[number] = exchange
        try:
            await self.start()
            yield exchange
        finally:
            # Gone already where the engine died: then there is nothing to drop.
            if self._exchanges.pop(number, None) and self._process and self._process.stdin:
                self._process.stdin.write(pack(Message(number, "drop")))

    async def write(self, message: Message) -> None:
        if not self._process or message.number not in self._exchanges:
            raise EngineDied
        assert self._process.stdin
        self._process.stdin.write(pack(message))
        try:
            await self._process.stdin.drain()
        except ConnectionError as error:
            raise EngineDied from error

    async def close(self) -> None:
        tasks = [task for task in (self._starting, self._reading) if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _launch(self) -> None:
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", self._module), stdin=PIPE, stdout=PIPE, cwd=ROOT
            )
            try:
                async with asyncio.timeout(STARTS_WITHIN):
                    await _read(process)
            except (EOFError, TimeoutError) as error:
                await _stop(process)
                raise EngineDied from error
            except asyncio.CancelledError:
                await _stop(process)
                raise
            self._process = process
            self._reading = asyncio.create_task(self._deliver(process))
        finally:
            self._starting = None

    async def _deliver(self, process: Process) -> None:
        try:
            while True:
                message = await _read(process)
                if exchange := self._exchanges.get(message.number):
                    exchange.answers.put_nowait(message)
        except EOFError:
            pass
        finally:
            self._process = None
            self._reading = None
            for exchange in self._exchanges.values():
                exchange.answers.put_nowait(EngineDied())
            self._exchanges.clear()
            await _stop(process)


async def _read(process: Process) -> Message:
    """The process's next answer; ``EOFError`` (``IncompleteReadError`` is one) if it ended."""
    assert process.stdout
    (length,) = LENGTH.unpack(await process.stdout.readexactly(LENGTH.size))
    return unpack(await process.stdout.readexactly(length))


async def _stop(process: Process) -> None:
    """Close its input, upon which it ends by itself; if it does not, kill it."""
    assert process.stdin
    process.stdin.close()
    try:
        async with asyncio.timeout(STOPS_WITHIN):
            await process.communicate()
    except TimeoutError:
        process.kill()
        await process.communicate()


class Pool:
    """The engines of one module that an event loop's providers share.

    However many configurations are in use, and so many providers made, the machine's cores are
    the same ones: the last provider that leaves closes the engines.
    """

    _shared: ClassVar[WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, Pool]]] = (
        WeakKeyDictionary()
    )

    def __init__(self, module: str, size: int) -> None:
        self.engines = [Engine(module) for _ in range(size)]
        self._module = module
        self._members = 0

    @classmethod
    def join(cls, module: str, size: int) -> Self:
        """The running loop's pool for a module; ``leave`` it when done."""
        pools = cls._shared.setdefault(asyncio.get_running_loop(), {})
        pool = pools.setdefault(module, cls(module, size))
        pool._members += 1
        assert isinstance(pool, cls)
        return pool

    async def leave(self) -> None:
        self._members -= 1
        if not self._members:
            self._shared[asyncio.get_running_loop()].pop(self._module, None)
            await asyncio.gather(*(engine.close() for engine in self.engines))

    async def warm(self) -> None:
        """Start every engine. Raises ``EngineDied``."""
        await asyncio.gather(*(engine.start() for engine in self.engines))

    def exchange(self) -> contextlib.AbstractAsyncContextManager[Exchange]:
        """An exchange with the engine that has the fewest."""
        return min(self.engines, key=lambda engine: engine.load).exchange()

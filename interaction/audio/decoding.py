"""Decodes compressed audio in a process of its own: see ``decoder_process``."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from weakref import WeakKeyDictionary

from interaction.audio.decoder_exit_codes import NO_SOUND, NOT_DECODABLE, TOO_LONG

MODULE = "interaction.audio.decoder_process"
ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
"""All that the process is told: none of the server's secrets. On a machine of many cores, numpy's
threads alone would take all the memory that it may have."""
AT_ONCE = 4
"""Whole recordings that are decoded at the same time; others wait."""
WITHIN = 120.0
"""Seconds for a whole recording."""
PIECE = 1 << 16

_places: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


class Undecodable(Exception):
    """What came is not in the format that it seems to be in, or holds no sound."""

    def __init__(self, exit_code: int) -> None:
        super().__init__(exit_code)
        self.no_sound = exit_code == NO_SOUND
        self.too_long = exit_code == TOO_LONG


async def decode_whole(content: bytes, name: str, rate: int, max_seconds: float) -> bytes:
    """A file of the format ``name`` as mono s16le at ``rate``. Raises ``Undecodable``."""
    loop = asyncio.get_running_loop()
    async with (
        _places.setdefault(loop, asyncio.Semaphore(AT_ONCE)),
        _process("whole", name, rate, max_seconds) as process,
    ):
        try:
            async with asyncio.timeout(WITHIN):
                pcm, _nothing = await process.communicate(content)
        except TimeoutError:
            raise Undecodable(NOT_DECODABLE) from None
        if process.returncode:
            raise Undecodable(process.returncode)
        return pcm


async def decode_stream(
    pieces: AsyncIterator[bytes], name: str, rate: int, max_seconds: float
) -> AsyncGenerator[bytes]:
    """The same as it comes. Raises ``Undecodable``, and what ``pieces`` raises."""
    async with _process("stream", name, rate, max_seconds) as process:
        assert process.stdout
        feeding = asyncio.create_task(_feed(process, pieces))
        try:
            while pcm := await process.stdout.read(PIECE):
                yield pcm
            exit_code = await process.wait()
            if feeding.done():
                feeding.result()
            if exit_code:
                raise Undecodable(exit_code)
        finally:
            feeding.cancel()
            await asyncio.gather(feeding, return_exceptions=True)


async def _feed(process: Process, pieces: AsyncIterator[bytes]) -> None:
    assert process.stdin
    try:
        async for piece in pieces:
            process.stdin.write(piece)
            await process.stdin.drain()
    except ConnectionError:
        pass  # that it has ended, its exit code says
    finally:
        process.stdin.close()


@contextlib.asynccontextmanager
async def _process(how: str, name: str, rate: int, max_seconds: float) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", MODULE, how, name, str(rate), str(max_seconds)),
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,
        cwd=ROOT,
        env=ENVIRONMENT,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

"""Speech recognition in engine processes on this machine: what such recognisers share."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, ClassVar

from interaction.core.types import INPUT_SAMPLE_RATE
from interaction.providers.base import Flush, ProviderConfig, Transcript
from interaction.providers.errors import ProviderUnavailable
from interaction.providers.local.engines import EngineDied, Exchange, Pool

MOST_AHEAD = 5 * 2 * INPUT_SAMPLE_RATE
"""Bytes that may be on their way to an engine process. A recording of a quarter of an hour, which
comes all at once, waits where it is, and an answer is never far behind its question."""


class Window:
    """How far the audio that was sent is ahead of what is decoded."""

    def __init__(self) -> None:
        self._ahead = 0
        self._moved = asyncio.Event()

    async def send(self, size: int) -> None:
        """So many bytes were sent; return when more may be."""
        self._ahead += size
        while self._ahead > MOST_AHEAD:
            self._moved.clear()
            await self._moved.wait()

    def decoded(self, size: int) -> None:
        self._ahead -= size
        self._moved.set()


class Recogniser:
    """Decodes as the audio arrives. All utterances of an event loop share its engine processes."""

    module: ClassVar[str]
    """Of the engine process."""
    processes: ClassVar[int]

    def __init__(self, config: ProviderConfig) -> None:
        self._name = config.name
        self._pool: Pool | None = None

    async def warm(self) -> None:
        """Start the processes before somebody waits for them."""
        try:
            await self._joined().warm()
        except EngineDied as error:
            raise self._unavailable("The speech recogniser cannot be started.") from error

    async def transcribe(self, audio: AsyncIterator[bytes | Flush]) -> AsyncIterator[Transcript]:
        window, opening = Window(), self._opening()
        try:
            async with (
                self._joined().exchange() as exchange,
                _fed(exchange, audio, window, opening),
            ):
                word = text = ""
                while word != "end":
                    _, word, body = await exchange.answer()
                    if word == "busy":
                        raise self._unavailable("Too many people are talking at once.")
                    if word == "failed":
                        raise self._unavailable("The speech recogniser cannot use its model.")
                    if word == "decoded":
                        window.decoded(body)
                    else:
                        text = body
                    yield Transcript(text, final=word in ("flush", "end"))
        except EngineDied as error:
            raise self._unavailable("The speech recogniser stopped.") from error

    def _opening(self) -> Any:
        """What the engine is told of an utterance as it begins. Raises ``ProviderError``."""
        return None

    async def aclose(self) -> None:
        if self._pool:
            pool, self._pool = self._pool, None
            await pool.leave()

    def _joined(self) -> Pool:
        if not self._pool:
            self._pool = Pool.join(self.module, self.processes)
        return self._pool

    def _unavailable(self, message: str) -> ProviderUnavailable:
        return ProviderUnavailable(message, stage="stt", provider=self._name)


@contextlib.asynccontextmanager
async def _fed(
    exchange: Exchange, audio: AsyncIterator[bytes | Flush], window: Window, opening: Any
) -> AsyncIterator[None]:
    """Send the audio on meanwhile; where that fails, the error comes up among the answers."""
    feeding = asyncio.create_task(_feed(exchange, audio, window, opening))
    try:
        yield
    finally:
        feeding.cancel()
        await asyncio.gather(feeding, return_exceptions=True)


async def _feed(
    exchange: Exchange, audio: AsyncIterator[bytes | Flush], window: Window, opening: Any
) -> None:
    try:
        await exchange.tell("open", opening)
        async for piece in audio:
            if isinstance(piece, Flush):
                await exchange.tell("flush")
            else:
                await exchange.tell("audio", piece)
                await window.send(len(piece))
        await exchange.tell("end")
    except Exception as error:
        exchange.answers.put_nowait(error)

"""Speech recognition in engine processes on this machine: what such recognisers share."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, ClassVar

from interaction.core.types import INPUT_SAMPLE_RATE
from interaction.providers.config import ProviderConfig
from interaction.providers.errors import ProviderRateLimited, ProviderUnavailable
from interaction.providers.local._shared.engine_processes import EngineDied, Exchange, Pool
from interaction.providers.stage_protocols import Flush, Transcript

MOST_AHEAD = 5 * 2 * INPUT_SAMPLE_RATE
"""Bytes that may be on their way to an engine process. A recording of a quarter of an hour, which
comes all at once, waits where it is, and an answer is never far behind its question."""


class SendWindow:
    """How far the audio that was sent is ahead of what is decoded."""

    def __init__(self) -> None:
        self._ahead = 0
        self._moved = asyncio.Event()

    async def sent(self, size: int) -> None:
        """So many bytes were sent; returns when more may be."""
        self._ahead += size
        while self._ahead > MOST_AHEAD:
            self._moved.clear()
            await self._moved.wait()

    def decoded(self, size: int) -> None:
        self._ahead -= size
        self._moved.set()


class ProcessSpeechToText:
    """Decodes as the audio arrives. All utterances of an event loop share its engine processes."""

    module: ClassVar[str]
    """Module that the engine process runs."""
    processes: ClassVar[int]

    def __init__(self, config: ProviderConfig) -> None:
        self._name = config.name
        self._pool: Pool | None = None

    async def warm(self) -> None:
        """Start the processes before somebody waits for them."""
        try:
            await self._pool_of_loop().warm()
        except EngineDied as error:
            raise self._unavailable("The speech recogniser cannot be started.") from error

    async def transcribe(self, audio: AsyncIterator[bytes | Flush]) -> AsyncIterator[Transcript]:
        window, options = SendWindow(), self._open_options()
        try:
            async with (
                self._pool_of_loop().exchange() as exchange,
                _audio_fed(exchange, audio, window, options),
            ):
                word = text = ""
                while word != "end":
                    _, word, body = await exchange.next_answer()
                    if word == "busy":
                        raise ProviderRateLimited(
                            "Too many people are talking at once.",
                            stage="stt",
                            provider=self._name,
                        )
                    if word == "damaged":
                        raise self._unavailable(
                            f"The model {body} was damaged and has been removed:"
                            f" manage.py models {body} fetches it again."
                        )
                    if word == "decoded":
                        window.decoded(body)
                    else:
                        text = body
                    yield Transcript(text, final=word in ("flush", "end"))
        except EngineDied as error:
            raise self._unavailable("The speech recogniser stopped.") from error

    @property
    def pids(self) -> list[int]:
        """The processes that run at the moment."""
        return [engine.pid for engine in self._pool_of_loop().engines if engine.pid]

    def _open_options(self) -> Any:
        """What the engine must know to start an utterance. Raises ``ProviderError``."""
        return None

    async def aclose(self) -> None:
        if self._pool:
            pool, self._pool = self._pool, None
            await pool.leave()

    def _pool_of_loop(self) -> Pool:
        if not self._pool:
            self._pool = Pool.join(self.module, self.processes)
        return self._pool

    def _unavailable(self, message: str) -> ProviderUnavailable:
        return ProviderUnavailable(message, stage="stt", provider=self._name)


@contextlib.asynccontextmanager
async def _audio_fed(
    exchange: Exchange, audio: AsyncIterator[bytes | Flush], window: SendWindow, options: Any
) -> AsyncIterator[None]:
    """Send the audio on meanwhile; where that fails, the error comes up among the answers."""
    feeding = asyncio.create_task(_feed_audio(exchange, audio, window, options))
    try:
        yield
    finally:
        feeding.cancel()
        await asyncio.gather(feeding, return_exceptions=True)


async def _feed_audio(
    exchange: Exchange, audio: AsyncIterator[bytes | Flush], window: SendWindow, options: Any
) -> None:
    try:
        await exchange.send("open", options)
        async for piece in audio:
            if isinstance(piece, Flush):
                await exchange.send("flush")
            else:
                await exchange.send("audio", piece)
                await window.sent(len(piece))
        await exchange.send("end")
    except Exception as error:
        exchange.answers.put_nowait(error)

"""Speech synthesis in an engine process on this machine: what such synthesisers share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import ClassVar

from interaction.providers.config import ProviderConfig
from interaction.providers.errors import ProviderRefused, ProviderUnavailable
from interaction.providers.local._shared.engine_processes import EngineDied, Pool


class ProcessTextToSpeech:
    """Speaks as fast as its one engine process does, which all on an event loop share: a second of
    speech takes that a few milliseconds."""

    module: ClassVar[str]
    """Module that the engine process runs: a ``SpeakerProcess``."""
    sample_rate: int

    def __init__(self, config: ProviderConfig) -> None:
        self._name = config.name
        self._voice = config.voice
        self._pool: Pool | None = None

    async def warm(self) -> None:
        """Start the process before somebody waits for it."""
        try:
            await self._pool_of_loop().warm()
        except EngineDied as error:
            raise self._unavailable() from error

    async def synthesize(self, text: str) -> AsyncIterator[bytes]:
        voice = self.engine_voice(text)
        try:
            async with self._pool_of_loop().exchange() as exchange:
                await exchange.send("say", [text, voice])
                while (answer := await exchange.next_answer()).word == "pcm":
                    yield answer.body
        except EngineDied as error:
            raise self._unavailable() from error
        if answer.word == "refused":
            raise self.refused("The speech synthesiser cannot speak this.")

    def engine_voice(self, text: str) -> str:
        """The name by which the engine knows the voice for a text. Raises ``ProviderRefused``."""
        return self._voice

    async def aclose(self) -> None:
        if self._pool:
            pool, self._pool = self._pool, None
            await pool.leave()

    def refused(self, message: str) -> ProviderRefused:
        return ProviderRefused(message, stage="tts", provider=self._name)

    def _pool_of_loop(self) -> Pool:
        if not self._pool:
            self._pool = Pool.join(self.module, 1)
        return self._pool

    def _unavailable(self) -> ProviderUnavailable:
        return ProviderUnavailable(
            "The speech synthesiser stopped.", stage="tts", provider=self._name
        )

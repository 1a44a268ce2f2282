"""Speech on this machine: plain, quick, free."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

from interaction.providers.config import ProviderConfig
from interaction.providers.errors import ProviderRefused, ProviderUnavailable
from interaction.providers.local._shared.engine_processes import EngineDied, Pool
from interaction.providers.local.espeak import VOICES

MODULE = "interaction.providers.local.espeak.engine"
CHINESE = frozenset({"cmn", "yue"})
HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")


class TextToSpeech:
    """A second of speech takes it about a millisecond: one engine process serves all."""

    sample_rate = 22_050

    def __init__(self, config: ProviderConfig) -> None:
        self._name = config.name
        self._voice = config.voice or "en-us"
        self._pool: Pool | None = None

    async def warm(self) -> None:
        try:
            await self._pool_of_loop().warm()
        except EngineDied as error:
            raise self._unavailable() from error

    async def synthesize(self, text: str) -> AsyncIterator[bytes]:
        # An English voice would spell Chinese out, "Chinese letter, Chinese letter".
        voice = "cmn" if HAN.search(text) and self._voice not in CHINESE else self._voice
        if voice not in VOICES:
            raise self._no_voice()
        try:
            async with self._pool_of_loop().exchange() as exchange:
                await exchange.send("say", [text, VOICES[voice]])
                while (answer := await exchange.next_answer()).word == "pcm":
                    yield answer.body
        except EngineDied as error:
            raise self._unavailable() from error
        if answer.word == "refused":
            raise self._no_voice()

    async def aclose(self) -> None:
        if self._pool:
            pool, self._pool = self._pool, None
            await pool.leave()

    def _pool_of_loop(self) -> Pool:
        if not self._pool:
            self._pool = Pool.join(MODULE, 1)
        return self._pool

    def _unavailable(self) -> ProviderUnavailable:
        return ProviderUnavailable(
            "The speech synthesiser stopped.", stage="tts", provider=self._name
        )

    def _no_voice(self) -> ProviderRefused:
        return ProviderRefused(
            f"There is no such voice; there are {', '.join(VOICES)}.",
            stage="tts",
            provider=self._name,
        )

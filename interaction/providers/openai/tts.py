"""Speech over OpenAI's HTTP API, or whatever else speaks it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial

from interaction.providers._shared.http import STALL
from interaction.providers._shared.pcm import speech_samples
from interaction.providers.config import ProviderConfig
from interaction.providers.openai.client import OpenAIStage


class TextToSpeech(OpenAIStage):
    """Streams raw PCM. It carries no rate, so the configuration says it; what a server sends in its
    place brings its own."""

    stage = "tts"
    first = 6.0

    def __init__(
        self, config: ProviderConfig, *, first: float | None = None, stall: float = STALL
    ) -> None:
        super().__init__(config, first=first, stall=stall)
        self.sample_rate = config.sample_rate

    async def synthesize(self, text: str) -> AsyncIterator[bytes]:
        if not text.strip():
            return
        ask = partial(
            self._client.audio.speech.with_streaming_response.create,
            model=self._config.model,
            voice=self._config.voice,
            input=text,
        )
        async with self._answer(self._asking(ask, {"response_format": "pcm"})) as (
            response,
            deadlines,
        ):
            pieces = deadlines.limit(aiter(response.iter_bytes()))
            kind = response.headers.get("content-type", "")
            async for pcm in speech_samples(pieces, self._errors, self.sample_rate, kind):
                yield pcm

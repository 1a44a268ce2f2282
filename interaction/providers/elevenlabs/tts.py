"""ElevenLabs' speech, streamed over HTTP.

There is a socket too, for text that comes in pieces. It buffers and wants a connection of its own
a text; sentences come whole here, and for whole texts ElevenLabs' own documentation calls the
HTTP stream the faster one. Its connections stay warm as well.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import quote

import httpx2

from interaction.providers._shared.error_mapping import ErrorMapping
from interaction.providers._shared.http import HttpStage, transport
from interaction.providers._shared.pcm import speech_samples
from interaction.providers.config import ProviderConfig
from interaction.providers.elevenlabs import ACCOUNT, PROVIDER, VOICE_IDS

FORMAT = "pcm_24000"


class ElevenLabsErrorMapping(ErrorMapping):
    words = PROVIDER.error_words


def make_client(config: ProviderConfig) -> tuple[httpx2.AsyncClient, Callable[[], Awaitable[None]]]:
    client = httpx2.AsyncClient(
        base_url=config.base_url or ACCOUNT.base_url,
        headers={"xi-api-key": config.api_key},
        **transport(),
    )
    return client, client.aclose


class TextToSpeech(HttpStage):
    stage = "tts"
    first = 6.0
    make_client = make_client
    error_mapping = ElevenLabsErrorMapping
    sample_rate = 24_000

    async def synthesize(self, text: str) -> AsyncIterator[bytes]:
        if not text.strip():
            return
        voice = VOICE_IDS.get(self._config.voice, self._config.voice)
        # No language: a reply may well be in another one than the conversation.
        request = self._client.stream(
            "POST",
            f"/v1/text-to-speech/{quote(voice, safe='')}/stream",
            params={"output_format": FORMAT},
            json={"text": text, "model_id": self._config.model},
        )
        async with self._answer(request) as (response, deadlines):
            if response.status_code != 200:
                async with deadlines.next_piece():
                    body = await response.aread()
                retry_after = response.headers.get("retry-after", "")
                raise self._errors.http_status(response.status_code, _error_code(body), retry_after)
            pieces = deadlines.limit(aiter(response.aiter_bytes()))
            kind = response.headers.get("content-type", "")
            async for pcm in speech_samples(pieces, self._errors, self.sample_rate, kind):
                yield pcm

    async def _send_warming_request(self) -> None:
        await self._client.get("/v1/models")


def _error_code(body: bytes) -> str:
    """The error's code, where there is one: its name has changed over time."""
    try:
        detail = json.loads(body)["detail"]
        return str(detail.get("code") or detail.get("status") or "")
    except (ValueError, TypeError, KeyError, AttributeError):
        return ""

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

from interaction.providers.base import ProviderConfig
from interaction.providers.http import Stage, transport
from interaction.providers.pcm import whole_samples

BASE_URL = "https://api.elevenlabs.io"
FORMAT = "pcm_24000"
VOICES = {
    "Sarah": "EXAVITQu4vr4xnSDxMaL",
    "George": "JBFqnCBsd6RMkjVDRZzb",
    "Alice": "Xb7hH8MSUJpSbSDYk0k2",
    "Brian": "nPczCjzI2devNBz1zQrb",
    "Daniel": "onwK4e9ZLuTAKqWD03F9",
    "Jessica": "cgSgspJ2msm6clMCkdW9",
    "Liam": "TX3LPaxmHKxFdv7VOQHJ",
    "Lily": "pFZP5JQG7iQjIQuC4Bku",
}
"""Ids of voices that every account has. What is none of these names is taken for an id."""


def make(config: ProviderConfig) -> tuple[httpx2.AsyncClient, Callable[[], Awaitable[None]]]:
    client = httpx2.AsyncClient(
        base_url=config.base_url or BASE_URL,
        headers={"xi-api-key": config.api_key},
        **transport(),
    )
    return client, client.aclose


class TextToSpeech(Stage):
    stage = "tts"
    first = 6.0
    make = make
    sample_rate = 24_000

    async def synthesize(self, text: str) -> AsyncIterator[bytes]:
        if not text.strip():
            return
        voice = VOICES.get(self._config.voice, self._config.voice)
        # No language: a reply may well be in another one than the conversation.
        request = self._client.stream(
            "POST",
            f"/v1/text-to-speech/{quote(voice, safe='')}/stream",
            params={"output_format": FORMAT},
            json={"text": text, "model_id": self._config.model},
        )
        async with self._asked(request) as (response, pace):
            if response.status_code != 200:
                async with pace.next():
                    body = await response.aread()
                retry_after = response.headers.get("retry-after", "")
                raise self._blame.status(response.status_code, _word(body), retry_after)
            pieces = pace.over(aiter(response.aiter_bytes()))
            async for pcm in whole_samples(pieces, self._blame):
                yield pcm

    async def _touch(self) -> None:
        await self._client.get("/v1/models")


def _word(body: bytes) -> str:
    """The error's code, where there is one: its name has changed over time."""
    try:
        detail = json.loads(body)["detail"]
        return str(detail.get("code") or detail.get("status") or "")
    except (ValueError, TypeError, KeyError, AttributeError):
        return ""

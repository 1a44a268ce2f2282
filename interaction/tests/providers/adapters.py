"""Every adapter that speaks to a server, beside the stand-in for that server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from interaction.core.types import Message
from interaction.providers.config import Kind, ProviderConfig
from interaction.providers.registry import entries
from interaction.providers.stage_protocols import Flush
from interaction.tests.standins import (
    anthropic,
    deepgram,
    elevenlabs,
    gemini,
    openai,
    openai_live,
)
from interaction.tests.standins.serving import Stage, Standin

KEY = "sk-secret"
SAID = "the password is swordfish"
SECOND = (8_000 * np.sin(2 * np.pi * 2_500 * np.arange(16_000) / 16_000)).astype("<i2").tobytes()
"""A tone that OpenAI's stand-in transcribes as ``caller 2500``."""

STANDINS: dict[tuple[Kind, str], type[Standin]] = {
    ("stt", "openai"): openai.Standin,
    ("stt", "openai-live"): openai_live.Standin,
    ("stt", "deepgram"): deepgram.Standin,
    ("llm", "openai"): openai.Standin,
    ("llm", "gemini"): gemini.Standin,
    ("llm", "anthropic"): anthropic.Standin,
    ("tts", "openai"): openai.Standin,
    ("tts", "elevenlabs"): elevenlabs.Standin,
}


@dataclass
class Adapter:
    kind: Stage
    name: str
    server: Standin
    provider: Any = None

    def make(self, url: str = "", /, **deadlines: float | None) -> Any:
        """The provider, at the stand-in or another address."""
        capabilities = entries(self.kind)[self.name].capabilities
        config = ProviderConfig(
            self.name,
            model=next(iter(capabilities.models), "any"),
            voice=next(iter(capabilities.voices), "any"),
            base_url=url or self.server.url,
            api_key=KEY,
        )
        module, name = entries(self.kind)[self.name].path.split(":")
        wanted = {name: seconds for name, seconds in deadlines.items() if seconds is not None}
        return getattr(import_module(module), name)(config, **wanted)

    def answers(self, provider: Any = None) -> AsyncIterator[Any]:
        """Have it do its work on some input."""
        provider = provider or self.provider
        if self.kind == "stt":
            return provider.transcribe(given(SECOND, SECOND))  # type: ignore[no-any-return]
        if self.kind == "llm":
            return provider.complete([Message("user", SAID)])  # type: ignore[no-any-return]
        return provider.synthesize(SAID)  # type: ignore[no-any-return]

    async def ask(self, provider: Any = None) -> list[Any]:
        """Everything that it gives."""
        return [answer async for answer in self.answers(provider)]


async def given(*pieces: bytes | Flush) -> AsyncIterator[bytes | Flush]:
    for piece in pieces:
        yield piece

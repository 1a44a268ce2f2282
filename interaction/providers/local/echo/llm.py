"""Repeats what the person said: the shortest way round the loop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from interaction.core.types import Message, ToolSpec
from interaction.providers.config import ProviderConfig
from interaction.providers.local._shared.word_stream import stream_words
from interaction.providers.stage_protocols import LanguageModelOutput


class LanguageModel:
    def __init__(self, config: ProviderConfig) -> None:
        pass

    async def complete(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec] = (),
        *,
        tool_choice: str = "auto",
        max_tokens: int | None = None,
    ) -> AsyncIterator[LanguageModelOutput]:
        """It calls no tools."""
        text = messages[-1].content.strip() if messages else ""
        for piece in stream_words(f"You said: {text}" if text else "I heard nothing.", max_tokens):
            yield piece

    async def aclose(self) -> None:
        pass

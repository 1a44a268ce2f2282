"""Says what it heard: the shortest way round the loop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from interaction.core.types import Message, ToolSpec
from interaction.providers.base import ProviderConfig, Written
from interaction.providers.local.words import written


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
    ) -> AsyncIterator[Written]:
        """It calls no tools."""
        said = messages[-1].content.strip() if messages else ""
        for piece in written(f"You said: {said}" if said else "I heard nothing.", max_tokens):
            yield piece

    async def aclose(self) -> None:
        pass

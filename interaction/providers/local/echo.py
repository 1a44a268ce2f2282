"""Says what it heard: the shortest way round the loop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from interaction.core.signals import Message, ToolCall, ToolSpec
from interaction.providers.base import ProviderConfig, Usage
from interaction.providers.local.words import words


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
    ) -> AsyncIterator[str | ToolCall | Usage]:
        """It calls no tools, and is as long as what was said."""
        said = messages[-1].content.strip() if messages else ""
        for word in words(f"You said: {said}" if said else "I heard nothing."):
            yield word

    async def aclose(self) -> None:
        pass

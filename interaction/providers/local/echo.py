"""Says what it heard: the shortest way round the loop."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence

from interaction.core.signals import Message
from interaction.providers.base import ProviderConfig


class LanguageModel:
    def __init__(self, config: ProviderConfig) -> None:
        pass

    async def complete(self, messages: Sequence[Message]) -> AsyncIterator[str]:
        said = messages[-1].content.strip() if messages else ""
        for piece in words(f"You said: {said}" if said else "I heard nothing."):
            yield piece

    async def aclose(self) -> None:
        pass


def words(text: str) -> list[str]:
    """Cut a text as a model would stream it: each word with the space before it, 漢字 singly."""
    return re.findall(
        r"\s*(?:[\u3000-\u9fff\uff00-\uffef]|[^\s\u3000-\u9fff\uff00-\uffef]+)|\s+$", text
    )

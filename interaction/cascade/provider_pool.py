"""The worker's providers: one for each configuration, kept connected on the worker's loop."""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Literal, overload

from interaction.core.types import ProviderSelection
from interaction.credentials.provider_selection import provider_config
from interaction.providers import registry
from interaction.providers.config import ProviderConfig
from interaction.providers.stage_protocols import LanguageModel, SpeechToText, TextToSpeech

StageKind = Literal["stt", "llm", "tts"]
MOST_KEPT = 256
"""Providers beyond which unused ones are closed, the longest unused first."""


@dataclass
class _Pooled:
    provider: Any
    users: int = 0
    """Stages that use it now."""


_pool: OrderedDict[tuple[str, ProviderConfig], _Pooled] = OrderedDict()


@overload
def provider(
    kind: Literal["stt"], choice: ProviderSelection, owner_id: int
) -> contextlib.AbstractAsyncContextManager[SpeechToText]: ...
@overload
def provider(
    kind: Literal["llm"], choice: ProviderSelection, owner_id: int
) -> contextlib.AbstractAsyncContextManager[LanguageModel]: ...
@overload
def provider(
    kind: Literal["tts"], choice: ProviderSelection, owner_id: int
) -> contextlib.AbstractAsyncContextManager[TextToSpeech]: ...
def provider(
    kind: StageKind, choice: ProviderSelection, owner_id: int
) -> contextlib.AbstractAsyncContextManager[Any]:
    """Lend the provider that a session chose; it is not closed while it is lent.

    Raises ``ProviderError`` where it cannot be had: no key, no such endpoint any more.
    """
    return _lend(kind, choice, owner_id)


@contextlib.asynccontextmanager
async def _lend(kind: StageKind, choice: ProviderSelection, owner_id: int) -> AsyncIterator[Any]:
    config = await provider_config(kind, choice, owner_id)
    key = (kind, config)
    if key not in _pool:
        # Some SDKs take a second to import, which must not hold up other conversations.
        await asyncio.to_thread(registry.prepare, kind, config.name)
    if key not in _pool:
        _pool[key] = _Pooled(registry.load(kind, config))
    pooled = _pool[key]
    _pool.move_to_end(key)
    pooled.users += 1
    try:
        yield pooled.provider
    finally:
        pooled.users -= 1
        await _close_surplus()


async def _close_surplus() -> None:
    unused = [key for key, pooled in _pool.items() if not pooled.users]
    closing = [_pool.pop(key) for key in unused[: max(0, len(_pool) - MOST_KEPT)]]
    await asyncio.gather(*(pooled.provider.aclose() for pooled in closing), return_exceptions=True)

"""Which providers keep failing, known to all workers through Redis.

Counted an owner, since one person's bad key is nobody else's trouble, and forgotten with the first
success or after a while without a failure.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence
from typing import NamedTuple

from interaction.bus.redis_client import CONNECTION_ERRORS, Redis
from interaction.cascade.provider_pool import StageKind
from interaction.core.types import ProviderSelection
from interaction.credentials.store import provider_health_key
from interaction.providers.errors import ProviderError, ProviderRateLimited, ProviderUnauthorized

AILING = 2
"""Failures running from which a provider is tried last."""
FOR_A_WHILE = 60
"""Seconds after its last failure."""
LONGEST = 600
"""Seconds for which a provider is believed that asked to be left alone."""


class Record(NamedTuple):
    failures: int = 0
    code: str = ""
    """Why it failed the last time."""

    @property
    def ailing(self) -> bool:
        return self.failures >= AILING


class ProviderHealth:
    """What is known of these choices' recent failures. A broken Redis knows nothing."""

    def __init__(
        self, redis: Redis, kind: StageKind, choices: Sequence[ProviderSelection], owner_id: int
    ) -> None:
        self._redis = redis
        self._keys = [
            provider_health_key(owner_id, f"{kind}:{choice.name}:{choice.model}")
            for choice in choices
        ]
        self.records = [Record() for _ in choices]
        """As they were when it looked, in the order of the choices."""

    async def look(self) -> None:
        with contextlib.suppress(*CONNECTION_ERRORS):
            async with self._redis.pipeline(transaction=False) as pipe:
                for key in self._keys:
                    pipe.hmget(key, "failures", "code")
                found = await pipe.execute()
            self.records = [
                Record(int(failures or 0), (code or b"").decode()) for failures, code in found
            ]

    async def failed(self, place: int, error: Exception) -> None:
        code = error.code if isinstance(error, ProviderError) else type(error).__name__
        key = self._keys[place]
        with contextlib.suppress(*CONNECTION_ERRORS):
            async with self._redis.pipeline(transaction=False) as pipe:
                pipe.hincrby(key, "failures", AILING if _will_fail_again(error) else 1)
                pipe.hset(key, "code", code)
                pipe.expire(key, _remembered_for(error))
                await pipe.execute()

    async def served(self, place: int) -> None:
        if self.records[place].failures:
            with contextlib.suppress(*CONNECTION_ERRORS):
                await self._redis.delete(self._keys[place])


def _will_fail_again(error: Exception) -> bool:
    """The next turn need not find that out for itself."""
    return isinstance(error, ProviderUnauthorized | ProviderRateLimited)


def _remembered_for(error: Exception) -> int:
    retry_after = error.retry_after if isinstance(error, ProviderRateLimited) else None
    return min(LONGEST, max(FOR_A_WHILE, math.ceil(retry_after or 0)))

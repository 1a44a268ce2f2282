"""Which providers keep failing, known to all workers through Redis.

Failures are counted for each owner, since one person's bad key concerns nobody else, and forgotten
with the first success or after a while without a failure.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

from interaction.bus import redis_keys
from interaction.bus.redis_client import CONNECTION_ERRORS, Redis
from interaction.cascade.provider_pool import StageKind
from interaction.core.types import ProviderSelection
from interaction.providers.errors import ProviderError, ProviderRateLimited, ProviderUnauthorized

UNHEALTHY_FROM = 2
"""Failures running from which a provider is tried last."""
REMEMBERED_FOR = 60
"""Seconds after its last failure for which they are remembered."""
LONGEST_RETRY_AFTER = 600
"""Seconds for which a provider is left alone at most, however long it asks for."""


@dataclass(frozen=True, slots=True)
class Failures:
    """A provider's failures running."""

    count: int = 0
    code: str = ""
    """Code of the last one's error."""

    @property
    def is_unhealthy(self) -> bool:
        return self.count >= UNHEALTHY_FROM


class ProviderHealth:
    """What is known of these choices' recent failures: nothing while Redis is away."""

    def __init__(
        self, redis: Redis, kind: StageKind, choices: Sequence[ProviderSelection], owner_id: int
    ) -> None:
        self._redis = redis
        self._keys = [
            redis_keys.provider_health(owner_id, f"{kind}:{choice.name}:{choice.model}")
            for choice in choices
        ]
        self.failures = [Failures() for _ in choices]
        """As they were at the last ``read``, in the order of the choices."""

    async def read(self) -> None:
        with contextlib.suppress(*CONNECTION_ERRORS):
            async with self._redis.pipeline(transaction=False) as pipe:
                for key in self._keys:
                    pipe.hmget(key, "failures", "code")
                found = await pipe.execute()
            self.failures = [
                Failures(int(count or 0), (code or b"").decode()) for count, code in found
            ]

    async def record_failure(self, place: int, error: Exception) -> None:
        """``place``: index of the choice."""
        code = error.code if isinstance(error, ProviderError) else type(error).__name__
        key = self._keys[place]
        with contextlib.suppress(*CONNECTION_ERRORS):
            async with self._redis.pipeline(transaction=False) as pipe:
                pipe.hincrby(key, "failures", UNHEALTHY_FROM if _will_fail_again(error) else 1)
                pipe.hset(key, "code", code)
                pipe.expire(key, _remembered_for(error))
                await pipe.execute()

    async def record_success(self, place: int) -> None:
        if self.failures[place].count:
            with contextlib.suppress(*CONNECTION_ERRORS):
                await self._redis.delete(self._keys[place])


def _will_fail_again(error: Exception) -> bool:
    """It is put last at once: the next turn need not try it to find out."""
    return isinstance(error, ProviderUnauthorized | ProviderRateLimited)


def _remembered_for(error: Exception) -> int:
    retry_after = error.retry_after if isinstance(error, ProviderRateLimited) else None
    return min(LONGEST_RETRY_AFTER, max(REMEMBERED_FOR, math.ceil(retry_after or 0)))

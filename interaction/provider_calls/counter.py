"""Counts the calls of providers in Redis as they end, behind the work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from redis.exceptions import RedisError

from interaction.bus import redis_keys
from interaction.bus.background import Background
from interaction.bus.redis_client import Redis
from interaction.provider_calls.call import ProviderCall
from interaction.provider_calls.tally import Series, Tally, written
from interaction.safe_logging import NO_FACTS

_ADD = """
local key = KEYS[1] .. math.floor(redis.call('TIME')[1] / 60)
for i = 2, #ARGV, 2 do redis.call('HINCRBY', key, ARGV[i], ARGV[i + 1]) end
redis.call('EXPIRE', key, ARGV[1])
"""
"""Adds to the counts of the minute by Redis's own clock: one that is over does not change."""


class CallCounter:
    """Counts calls, a round trip for all that end meanwhile. No call waits for it or fails by it;
    what ends while Redis is away is not counted."""

    def __init__(self, redis: Redis, log_facts: Mapping[str, object] = NO_FACTS) -> None:
        self._add = redis.register_script(_ADD)
        self._background = Background("provider calls", log_facts=log_facts)
        self._unwritten: Counter[str] = Counter()
        self._is_writing = False

    def start(self, stage: str, provider: str, model: str) -> ProviderCall:
        series = Series.of(stage, provider, model)
        return ProviderCall(lambda tally: self._count(series, tally))

    async def flush(self) -> None:
        """Wait until all is written."""
        await self._background.drain()

    async def stop(self) -> None:
        await self._background.stop()

    def _count(self, series: Series, tally: Tally) -> None:
        self._unwritten.update(written(series, tally))
        if not self._is_writing:
            self._is_writing = True
            self._background.start_job(self._write(), name="write")

    async def _write(self) -> None:
        try:
            while self._unwritten:
                counts, self._unwritten = self._unwritten, Counter()
                fields = [part for count in counts.items() for part in count]
                await self._add(
                    keys=[redis_keys.provider_calls()],
                    args=[redis_keys.PROVIDER_CALLS_LIVE, *fields],
                )
        except (RedisError, OSError):
            # Not again: it may have been carried out, and would count twice.
            self._unwritten.clear()
        finally:
            self._is_writing = False

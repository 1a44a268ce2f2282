"""What was counted in Redis, for tests of who counts."""

from __future__ import annotations

import redis

from interaction.provider_calls.minutes import minute_now, read_minutes
from interaction.provider_calls.tally import Series, Tally

MINUTES = 10
"""In which a test has ended."""


def counted(client: redis.Redis) -> dict[Series, Tally]:
    """The calls of the last minutes."""
    now = minute_now(client)
    whole: dict[Series, Tally] = {}
    for tallies in read_minutes(client, range(now - MINUTES, now + 1)).values():
        for series, tally in tallies.items():
            whole.setdefault(series, Tally()).add(tally)
    return whole

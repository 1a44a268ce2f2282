"""Names of time zones, as the tz database has them."""

from __future__ import annotations

from functools import cache
from zoneinfo import available_timezones


@cache
def _known() -> frozenset[str]:
    """Read from disk once: that takes some ten milliseconds."""
    return frozenset(available_timezones())


def is_time_zone(name: str) -> bool:
    """Whether ``zoneinfo.ZoneInfo`` can be made of it: no path, no file that is no zone."""
    return name in _known()

"""Folds the minutes that are over into rows, one an hour."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime, timedelta

from django.utils import timezone

from interaction.bus import redis_keys
from interaction.bus.short_lived_redis import connect
from interaction.models import ProviderHour
from interaction.provider_calls.minutes import MINUTES_KEPT, hour_of, minute_now, read_minutes
from interaction.provider_calls.tally import Series, Tally, total

KEPT_FOR = timedelta(days=8)

Row = tuple[datetime, Series]


def fold() -> None:
    """Take in what is counted of all minutes that are over, and let go of old rows.

    It may run at any time, also twice at once: a row knows up to which minute it was taken in.
    Raises what Redis raises.
    """
    with connect() as client:
        now = minute_now(client)
        minutes = read_minutes(client, range(now - MINUTES_KEPT, now))
    counted: dict[Row, dict[int, Tally]] = defaultdict(dict)
    for minute, tallies in minutes.items():
        for series, tally in tallies.items():
            counted[hour_of(minute), series][minute] = tally
    rows = ProviderHour.objects.filter(hour__in={hour for hour, _series in counted})
    through = {(row.hour, Series(row.stage, row.provider, row.model)): row.through for row in rows}
    for (hour, series), by_minute in counted.items():
        if max(by_minute) > through.get((hour, series), -1):
            _take_in(hour, series, by_minute)
    with connect() as client:
        key, life = redis_keys.provider_calls_folded(), redis_keys.PROVIDER_CALLS_LIVE
        client.set(key, now - 1, ex=life)
    ProviderHour.objects.filter(hour__lt=timezone.now() - KEPT_FOR).delete()


def _take_in(hour: datetime, series: Series, by_minute: dict[int, Tally]) -> None:
    """Add to the hour's row the minutes that it does not have yet."""
    while True:
        row, _made = ProviderHour.objects.get_or_create(hour=hour, **series._asdict())
        new = [tally for minute, tally in by_minute.items() if minute > row.through]
        if not new:
            return
        whole = total([tally_of(row), *new])
        # Nobody may have taken any in meanwhile: then what was read is old.
        if ProviderHour.objects.filter(pk=row.pk, through=row.through).update(
            through=max(by_minute),
            calls=whole.calls,
            given_up=whole.given_up,
            errors=dict(whole.errors),
            buckets=dict(whole.buckets),
        ):
            return


def tally_of(row: ProviderHour) -> Tally:
    """What a row has of its hour."""
    buckets = Counter({int(bucket): count for bucket, count in row.buckets.items()})
    return Tally(row.calls, row.given_up, Counter(row.errors), buckets)

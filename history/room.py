"""How much room all recordings take: measured now and then, since it takes a look at every turn."""

from __future__ import annotations

from django.db.models import Sum

from history.deletion import AGENT_BYTES_A_MS, USER_BYTES_A_MS
from interaction.bus import redis_keys
from interaction.bus.short_lived_redis import connect
from interaction.models import Turn


def measure() -> int:
    """Bytes of all recordings, by their lengths; Redis remembers it for the status page, where it
    answers. Raises what Redis raises."""
    size = _ms("user") * USER_BYTES_A_MS + _ms("agent") * AGENT_BYTES_A_MS
    with connect() as client:
        client.set(redis_keys.recordings_size(), size, ex=redis_keys.RECORDINGS_KNOWN)
    return size


def _ms(side: str) -> int:
    kept = Turn.objects.exclude(**{f"{side}_audio": ""})
    length: int | None = kept.aggregate(ms=Sum(f"{side}_audio_ms"))["ms"]
    return length or 0

"""How much room all recordings take: worked out now and then, for it takes a look at every turn."""

from __future__ import annotations

from django.db.models import Q, Sum
from django.db.models.functions import Coalesce

from history.deletion import AGENT_BYTES_A_MS, USER_BYTES_A_MS
from interaction.audio.wav import HEADER_BYTES
from interaction.bus import redis_keys
from interaction.bus.short_lived_redis import connect
from interaction.models import Turn

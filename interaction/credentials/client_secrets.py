"""Client secrets: short-lived keys to ``/v1/realtime`` that a program gives to a browser.

Until it expires, Redis keeps a hash of each, with its owner and the first settings of the session.
"""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass, field
from typing import Any

from interaction.bus import redis_keys, short_lived_redis
from interaction.models.access import digest

PREFIX = "ek_"
SHORTEST, LONGEST, USUAL = 10, 7_200, 600
"""Seconds that a secret may live."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a secret lets its bearer do."""

    owner_id: int
    session: dict[str, Any] = field(default_factory=dict)
    """Settings that the session starts with, as in a ``session.update``."""
    inner: bool = False
    """Parley made it for itself, as the realtime provider of a session that has a row: the session
    that it opens gets none."""


def mint(grant: Grant, seconds: int = USUAL) -> tuple[str, int]:
    """Return a new secret, which cannot be had again, and when it expires (Unix time).

    Blocks for a moment; raises ``redis.RedisError``.
    """
    secret = PREFIX + secrets.token_urlsafe(32)
    kept = {"owner": grant.owner_id, "session": grant.session, "inner": grant.inner}
    with short_lived_redis.connect() as store:
        store.set(redis_keys.client_secret(digest(secret)), json.dumps(kept), ex=seconds)
    return secret, int(time.time()) + seconds


def redeem(secret: str) -> Grant | None:
    """What a secret grants, as often as it is shown; None for one that is unknown or too old."""
    with short_lived_redis.connect() as store:
        kept: Any = store.get(redis_keys.client_secret(digest(secret)))
    if kept is None:
        return None
    fields = json.loads(kept)
    return Grant(fields["owner"], fields["session"], fields["inner"])

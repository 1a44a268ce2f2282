"""Redis clients for single questions: they give up after a second, since a stopped Redis still
accepts connections and answers nothing."""

from __future__ import annotations

from typing import Any

import redis
import redis.asyncio
from django.conf import settings
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

PATIENCE = 1.0
"""Seconds for connecting and for each answer. Without retries: redis-py's default has several."""

_TIMEOUTS: dict[str, Any] = {"socket_timeout": PATIENCE, "socket_connect_timeout": PATIENCE}


def connect() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, retry=Retry(NoBackoff(), 0), **_TIMEOUTS)


def connect_async() -> redis.asyncio.Redis:
    retry = AsyncRetry(NoBackoff(), 0)
    return redis.asyncio.Redis.from_url(settings.REDIS_URL, retry=retry, **_TIMEOUTS)

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import redis
from django.contrib.auth.models import User
from django.test import Client

from interaction.bus import redis_keys
from interaction.provider_calls.tally import Series, Tally, written
from voiceproject.heartbeat import Beat


@pytest.fixture
def staff(owner: User) -> Client:
    """A browser of somebody who sees all of the installation."""
    owner.is_staff = True
    owner.save()
    client = Client()
    client.force_login(owner)
    return client


@pytest.fixture
def guest(stranger: User) -> Client:
    """A browser of somebody who does not."""
    client = Client()
    client.force_login(stranger)
    return client


@pytest.fixture
def beat(unserved_redis: redis.Redis) -> Callable[..., None]:
    """``beat(name, *queues, silent_s=0, **facts)``: a worker has said that it is alive."""

    def say(name: str, *queues: str, silent_s: float = 0, **facts: Any) -> None:
        plain: Beat = {"name": name, "queues": [*queues], "up_s": 60, "running": 0, "slots": 16}
        says = plain | facts
        left = redis_keys.WORKER_REMEMBERED - silent_s
        unserved_redis.set(redis_keys.worker(name), json.dumps(says), px=int(1000 * left))
        unserved_redis.sadd(redis_keys.workers(), name)

    return say


@pytest.fixture
def put(unserved_redis: redis.Redis) -> Callable[[int, Series, Tally], None]:
    """``put(minute, series, tally)``: so much was counted in that minute."""

    def count(minute: int, series: Series, tally: Tally) -> None:
        for name, number in written(series, tally).items():
            unserved_redis.hincrby(redis_keys.provider_calls(minute), name, number)

    return count

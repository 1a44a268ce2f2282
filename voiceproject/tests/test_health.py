"""The two health addresses."""

from __future__ import annotations

import time
from typing import Any

import pytest
import redis
from django.test import Client

from interaction.bus.redis_keys import worker_alive

READY = "/api/v1/health/ready"
PARTS = {"database", "redis", "storage", *(f"worker:{q}" for q in ("stt", "llm", "tts", "default"))}


def beat(redis_client: redis.Redis, *queues: str) -> None:
    for queue in queues:
        redis_client.set(worker_alive(queue), 1, ex=5)


def test_the_web_process_is_alive_whatever_else_is_not(client: Client) -> None:
    response = client.get("/api/v1/health")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


@pytest.mark.django_db
def test_all_parts_are_named_and_ok(client: Client, unserved_redis: redis.Redis) -> None:
    beat(unserved_redis, "stt", "llm", "tts", "default")
    response = client.get(READY)
    assert response.status_code == 200
    assert response.json() == {"status": "ok", "parts": dict.fromkeys(PARTS, "ok")}


@pytest.mark.django_db
def test_a_queue_that_nobody_serves_is_named(client: Client, unserved_redis: redis.Redis) -> None:
    beat(unserved_redis, "stt", "llm", "default")
    response = client.get(READY)
    assert response.status_code == 503
    parts = response.json()["parts"]
    assert [part for part, word in parts.items() if word != "ok"] == ["worker:tts"]


@pytest.mark.django_db
def test_a_redis_that_is_away_is_named_with_what_depends_on_it(
    client: Client, settings: Any
) -> None:
    settings.REDIS_URL = "unix:///nonexistent/redis.sock"
    response = client.get(READY)
    assert response.status_code == 503
    failed = {part for part, word in response.json()["parts"].items() if word == "failed"}
    assert failed == PARTS - {"database", "storage"}


@pytest.mark.django_db
def test_a_redis_that_hangs_costs_about_a_second(client: Client, redis_client: redis.Redis) -> None:
    redis_client.client_pause(4000)
    began = time.monotonic()
    response = client.get(READY)
    took = time.monotonic() - began
    assert response.json()["parts"]["redis"] == "failed"
    assert took < 4, "it waited for as long as Redis was stopped"
    redis_client.ping()  # Redis is awake for whoever comes next


@pytest.mark.django_db
def test_storage_that_cannot_be_written_is_named(
    client: Client, redis_client: redis.Redis, settings: Any, tmp_path: Any
) -> None:
    (tmp_path / "file").write_text("")
    settings.MEDIA_ROOT = tmp_path / "file"
    assert client.get(READY).json()["parts"]["storage"] == "failed"


@pytest.mark.django_db(transaction=True)
def test_the_reason_stays_in_the_log(
    client: Client, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.REDIS_URL = "redis://me:secret@127.0.0.1:1/0"
    response = client.get(READY)
    assert "secret" not in response.content.decode() + caplog.text
    assert "not ready: ConnectionError" in caplog.text

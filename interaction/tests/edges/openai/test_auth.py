"""Who may open the socket, and with what."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client as Browser
from django.test import override_settings
from openai.types import Model
from openai.types.realtime import ClientSecretCreateResponse

from interaction.credentials import client_secrets
from interaction.credentials.client_secrets import Grant
from interaction.models import Session
from interaction.tests.edges.openai.client import Client
from interaction.tests.fakes.scripted_engine import ScriptedEngine


@pytest.fixture
def post(token: str) -> Any:
    browser = Browser()

    def post(path: str, body: Any = None, key: str = token) -> Any:
        headers = {"Authorization": f"Bearer {key}"}
        if body is None:
            return browser.get(path, headers=headers)
        return browser.post(path, json.dumps(body), "application/json", headers=headers)

    return post


@pytest.mark.parametrize(
    "headers", [{}, {"authorization": "Bearer pt_no"}, {"authorization": "Bearer ek_no"}]
)
async def test_without_a_key_the_socket_closes_with_a_code_that_keeps_clients_away(
    transactional_db: None, run_redis: None, headers: dict[str, Any]
) -> None:
    async with Client(**headers) as client:
        assert (await client.receive())["error"]["code"] == "invalid_api_key"
        assert await client.receive() == {
            "type": "close",
            "code": 4401,
            "reason": "invalid_api_key",
        }


async def test_a_cookie_opens_nothing_here(cookie: str) -> None:
    async with Client(cookie=cookie, origin="http://testserver", host="testserver") as client:
        assert (await client.receive())["error"]["code"] == "invalid_api_key"


async def test_a_browser_shows_its_key_as_a_subprotocol(token: str) -> None:
    offered = ["realtime", f"openai-insecure-api-key.{token}"]
    async with Client(subprotocols=offered) as client:
        assert client.subprotocol == "realtime"
        await client.until("session.created")


def test_a_client_secret_is_in_openais_shape_and_begins_its_session(
    post: Any, owner: Any, run_redis: None
) -> None:
    wanted = {
        "expires_after": {"anchor": "created_at", "seconds": 60},
        "session": {"type": "realtime", "model": "default", "instructions": "Be kind."},
    }
    answer = post("/v1/realtime/client_secrets", wanted)
    assert answer.status_code == 200
    made = ClientSecretCreateResponse.model_validate_json(answer.content, strict=True)
    assert made.value.startswith("ek_")
    assert answer.json()["session"]["instructions"] == "Be kind."
    grant = client_secrets.redeem(made.value)
    assert grant == Grant(owner.pk, wanted["session"])  # type: ignore[arg-type]


def test_a_client_secret_is_refused_where_the_session_is_wrong(post: Any) -> None:
    answer = post("/v1/realtime/client_secrets", {"session": {"type": "realtime", "tools": 1}})
    assert answer.status_code == 400
    assert answer.json()["error"]["param"].startswith("session.tools")
    answer = post("/v1/realtime/client_secrets", {"expires_after": {"seconds": 1}})
    assert answer.json()["error"]["type"] == "invalid_request_error"


async def test_a_client_secret_opens_the_socket_with_its_session(
    owner: Any, run_redis: None, engines: list[ScriptedEngine]
) -> None:
    grant = Grant(owner.pk, {"type": "realtime", "instructions": "Be kind."})
    key, _ = client_secrets.mint(grant)
    async with Client(authorization=f"Bearer {key}") as client:
        created = await client.until("session.created")
        assert created["session"]["instructions"] == "Be kind."


async def test_an_inner_session_is_kept_nowhere(
    owner: Any, run_redis: None, engines: list[ScriptedEngine]
) -> None:
    key, _ = client_secrets.mint(Grant(owner.pk, inner=True))
    async with Client(authorization=f"Bearer {key}") as client:
        await client.until("session.created")
        await client.write("hello")
        await client.send("response.create")
        await client.until("response.done")
    assert not engines[0].spec.recording
    assert not await Session.objects.aexists()


def test_models_are_listed_in_openais_shape(post: Any) -> None:
    listed = post("/v1/models").json()["data"]
    names = [Model.model_validate(one, strict=True).id for one in listed]
    assert names[0] == "default"
    assert "/demo/" in names
    assert post("/v1/models/default").json()["id"] == "default"
    assert post("/v1/models/pocketsphinx/demo/espeak").status_code == 200
    missing = post("/v1/models/gpt-99")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "model_not_found")


def test_a_wrong_key_is_401_in_openais_shape(post: Any) -> None:
    answer = post("/v1/models", key="pt_no")
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "invalid_api_key"


async def test_a_secret_that_cannot_be_looked_up_asks_the_client_to_come_back(
    transactional_db: None,
) -> None:
    with override_settings(REDIS_URL="unix:///nowhere/redis.sock"):
        async with Client(authorization="Bearer ek_whose") as client:
            assert (await client.receive())["error"]["type"] == "server_error"
            assert (await client.receive())["code"] == 1013


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"colour": "red"}, "colour"),
        ({"session": {}, "Session": {}}, "Session"),
        ({"expires_after": {"anchor": "created_at", "minutes": 1}}, "expires_after.minutes"),
        ({"session": {"instruction": "Be kind."}}, "session.instruction"),
        ({"session": {"type": "realtime", "max_tokens": 9}}, "session.max_tokens"),
        ({"session": {"audio": {"speed": 1}}}, "session.audio.speed"),
        ({"session": {"audio": {"output": {"pitch": 1}}}}, "session.audio.output.pitch"),
        (
            {"session": {"audio": {"input": {"turn_detection": {"type": "server_vad", "x": 1}}}}},
            "session.audio.input.turn_detection.x",
        ),
        ({"session": {"type": "transcription", "instructions": "x"}}, "session.instructions"),
        ({"x" * 900: 1}, "x" * 64),
    ],
    ids=lambda part: str(part)[:60],
)
def test_a_client_secret_has_no_field_that_the_protocol_lacks(
    post: Any, body: Any, param: str
) -> None:
    answer = post("/v1/realtime/client_secrets", body)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["code"], error["param"]) == ("unknown_parameter", param)
    assert param in error["message"]


@pytest.mark.parametrize(
    "session",
    [
        {},
        {"type": "realtime", "model": "default", "tools": [], "tracing": "auto", "prompt": None},
        {"modalities": ["text"], "voice": "alloy", "input_audio_format": "pcm16"},
        {"turn_detection": {"type": "server_vad", "silence_duration_ms": 200}},
        {"audio": {"input": {"turn_detection": {"type": "semantic_vad", "eagerness": "low"}}}},
        {"audio": {"input": {"turn_detection": None}, "output": None}},
        {
            "type": "transcription",
            "audio": {"input": {"transcription": {"model": "whisper-1", "language": "de"}}},
        },
    ],
)
def test_a_client_secret_takes_every_field_of_the_protocol_and_of_its_beta(
    post: Any, session: Any, run_redis: None
) -> None:
    answer = post("/v1/realtime/client_secrets", {"session": session})
    assert answer.status_code == 200, answer.content

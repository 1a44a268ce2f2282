"""Clients that are broken or mean it badly: errors or a clean close, and nobody else notices."""

from __future__ import annotations

import asyncio
import base64
import json
import statistics
from typing import Any

import psutil
import pytest
from websockets.asyncio.client import ClientConnection, connect

from interaction.tests.edges.openai.client import Client, checked
from voiceproject.testing.calling import measured
from voiceproject.testing.web import WebServer

MB = 1024 * 1024


def item(**changes: Any) -> dict[str, Any]:
    content = [{"type": "input_text", "text": "hello"}]
    return {"type": "message", "role": "user", "content": content, **changes}


HALF = "\\ud800"
DEEP = "[" * 300 + "]" * 300
FLAT_FORMAT = {"type": "audio/pcm"}
BAD_MESSAGES: list[Any] = [
    "[" * 100_000,
    '{"type": "session.update", "session": {"truncation": {"retention_ratio": NaN}}}',
    f'{{"type": "session.update", "session": {{"instructions": "{HALF}"}}}}',
    f'{{"type": "session.update", "session": {{"tracing": {DEEP}}}}}',
    {"type": "session.update", "session": {"instructions": "nul \0"}},
    {"type": "session.update", "session": {"instructions": "x" * 300_000}},
    {"type": "session.update", "session": {"turn_detection": {"type": ["x"]}}},
    {"type": "session.update", "session": {"input_audio_format": {"type": ["x"]}}},
    {"type": "conversation.item.create", "previous_item_id": [], "item": item()},
    {"type": "conversation.item.create", "previous_item_id": {}, "item": item()},
    {"type": "conversation.item.create", "item": item(role="assistant", content=5)},
    {"type": "conversation.item.create", "item": item(content=5)},
    {"type": "conversation.item.create", "item": item(content=["a"])},
    '{"type": "conversation.item.truncate", "item_id": "x", "audio_end_ms": NaN}',
    {"type": "conversation.item.truncate", "item_id": "x", "content_index": None},
    {"type": "response.create", "response": {"modalities": 5}},
    {"type": "response.create", "response": {"max_output_tokens": "5"}},
    {"type": "response.create", "response": {"max_output_tokens": -5}},
    "no json",
    "[]",
    "null",
    "7",
    {},
    {"type": None},
    {"type": ["session.update"]},
    {"type": "session.update"},
    {"type": "session.update", "session": "x"},
    {"type": "session.update", "session": {"audio": {"input": {"turn_detection": "x"}}}},
    {"type": "session.update", "session": {"audio": {"input": {"transcription": 7}}}},
    {"type": "session.update", "session": {"tools": [7]}},
    {"type": "input_audio_buffer.append"},
    {"type": "input_audio_buffer.append", "audio": 7},
    {"type": "input_audio_buffer.append", "audio": "%%%"},
    {"type": "input_audio_buffer.append", "audio": "AAA"},
    {"type": "input_audio_buffer.commit"},
    {"type": "conversation.item.create"},
    {"type": "conversation.item.create", "item": {"type": "message", "role": "user"}},
    {"type": "conversation.item.create", "item": {"type": "dance"}},
    {"type": "conversation.item.truncate"},
    {"type": "conversation.item.retrieve", "item_id": {"a": 1}},
    {"type": "conversation.item.delete"},
    {"type": "response.cancel"},
    {"type": "response.create", "response": []},
    {"type": "response.create", "response": {"input": "x"}},
    {"type": "response.create", "response": {"tools": "x"}},
    {"type": "response.create", "response": {"tools": [{"type": "function", "name": []}]}},
    {"type": "response.create", "response": {"metadata": 7}},
    {"type": "response.create", "response": {"metadata": {"a": {}}}},
    {"type": "response.create", "response": {"output_modalities": "x"}},
    {"type": "response.create", "response": {"audio": "x"}},
    {"type": "output_audio_buffer.clear"},
    {"type": "shut.down", "event_id": {"not": "text"}},
]


@pytest.mark.parametrize("message", BAD_MESSAGES, ids=lambda message: json.dumps(message)[:60])
async def test_nonsense_is_an_error_and_the_session_goes_on(token: str, message: Any) -> None:
    async with Client(authorization=f"Bearer {token}") as client:
        await client.until("session.created")
        await client.send_text(message if isinstance(message, str) else json.dumps(message))
        told = (await client.until("error"))["error"]
        assert told["type"] == "invalid_request_error"
        assert told["code"]
        await client.write("hello")
        await client.send("response.create")
        assert (await client.until("response.done"))["response"]["status"] == "completed"


async def test_what_is_sent_before_the_greeting_is_taken_in_its_order(token: str) -> None:
    async with Client(authorization=f"Bearer {token}") as client:
        await client.write("hello")
        await client.send("response.create")
        await client.until("response.done")
    assert client.types()[0] == "session.created"


def opened(web: WebServer, token: str) -> Any:
    url = f"ws://127.0.0.1:{web.port}/v1/realtime"
    headers = {"Authorization": f"Bearer {token}"}
    return connect(url, additional_headers=headers, max_size=None, compression=None)


async def until(socket: ClientConnection, kind: str) -> dict[str, Any]:
    async with asyncio.timeout(60):
        while True:
            event = checked(str(await socket.recv()))
            if event["type"] == kind:
                return event


async def say(socket: ClientConnection, **event: Any) -> None:
    await socket.send(json.dumps(event))


def grown(web: WebServer, before: int) -> float:
    """MB since then."""
    return float(psutil.Process(web.pid).memory_info().rss - before) / MB


def size(web: WebServer) -> int:
    return int(psutil.Process(web.pid).memory_info().rss)


async def converse(socket: ClientConnection, turns: int) -> float:
    """A conversation beside the others: every reply comes whole, a second of audio. Returns the
    median of the turns' ``e2e``, in ms."""
    e2e: list[float] = []
    for _ in range(turns):
        content = [{"type": "input_text", "text": "hello"}]
        item = {"type": "message", "role": "user", "content": content}
        await say(socket, type="conversation.item.create", item=item)
        await say(socket, type="response.create")
        audio = b""
        async with asyncio.timeout(60):
            while (event := checked(str(await socket.recv())))["type"] != "response.done":
                if event["type"] == "response.output_audio.delta":
                    audio += base64.b64decode(event["delta"])
        assert len(audio) == 48_000
        assert event["response"]["status"] == "completed"
        e2e.append(event["response"]["x_parley"]["latency"]["e2e"])
    return statistics.median(e2e)


async def test_large_messages_and_floods_are_borne_and_a_conversation_beside_them_goes_on(
    web: WebServer, token: str
) -> None:
    async with opened(web, token) as quiet, opened(web, token) as loud:
        await until(quiet, "session.created")
        await until(loud, "session.created")
        usual = await converse(quiet, 10)
        before = size(web)
        beside = asyncio.create_task(converse(quiet, 20))
        huge = "A" * (16 * MB)
        await say(loud, type="input_audio_buffer.append", audio=huge[: 21 * MB])
        await say(loud, type="conversation.item.create", item={"type": "message", "x": huge})
        for _ in range(10_000):
            await loud.send('{"type":"input_audio_buffer.append","audio":"AAAA"}')
        await say(loud, type="surprise")
        told = set()
        while "unknown_event" not in told:
            told.add((await until(loud, "error"))["error"]["code"])
        assert told == {"invalid_value", "unknown_event"}
        measured(f"e2e {usual:.1f} ms, beside a flood {await beside:.1f} ms")
        assert grown(web, before) < 200


async def test_a_client_that_never_reads_does_not_fill_the_server(
    web: WebServer, token: str
) -> None:
    async with opened(web, token) as quiet:
        await until(quiet, "session.created")
        await converse(quiet, 1)
        before = size(web)
        headers = {"Authorization": f"Bearer {token}"}
        url = f"ws://127.0.0.1:{web.port}/v1/realtime"
        # It takes one message and then none: TCP fills up, and the server must hold back.
        async with connect(
            url, additional_headers=headers, max_queue=1, compression=None, close_timeout=1
        ) as deaf:
            for number in range(40):
                content = [{"type": "input_text", "text": f"talk for 120 seconds {number}"}]
                item = {"type": "message", "role": "user", "content": content}
                await say(deaf, type="conversation.item.create", item=item)
                await say(deaf, type="response.create")
                await say(deaf, type="response.cancel")
                await say(deaf, type="response.create")
            await converse(quiet, 10)
            assert grown(web, before) < 200
            deaf.transport.abort()

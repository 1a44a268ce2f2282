"""What only a real server and real connections show."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from interaction.audio import wav
from interaction.models import Session
from interaction.tests.fakes.scripted_engine import TRANSCRIPT
from voiceproject.testing.web import WebServer

PATIENCE = 20


@asynccontextmanager
async def socket(web: WebServer, **headers: str) -> AsyncIterator[ClientConnection]:
    url = web.url.replace("http", "ws") + "/api/v1/orchestrator/ws"
    async with connect(url, additional_headers=headers, proxy=None, max_size=None) as connection:
        yield connection


async def until(connection: ClientConnection, type: str) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE):
        async for frame in connection:
            if isinstance(frame, str) and json.loads(frame)["type"] == type:
                message: dict[str, Any] = json.loads(frame)
                return message
    raise AssertionError(f"closed before {type}")


async def start(connection: ClientConnection) -> uuid.UUID:
    await connection.send('{"type": "start_session"}')
    return uuid.UUID((await until(connection, "session_started"))["session_id"])


async def session(**which: Any) -> Session:
    """The session of which this is true, once it is."""
    async with asyncio.timeout(PATIENCE):
        while True:
            if found := await Session.objects.filter(**which).afirst():
                return found
            await asyncio.sleep(0.05)


async def test_a_refusal_can_be_read_by_whoever_is_refused(
    web: WebServer, token: str, cookie: str
) -> None:
    for headers, code in (
        ({"Authorization": "Bearer pt_wrong"}, 4401),
        ({"Cookie": cookie, "Origin": "https://evil.example"}, 4403),
        ({"Cookie": cookie}, 4403),
    ):
        async with socket(web, **headers) as connection:
            await until(connection, "error")
            with pytest.raises(ConnectionClosed) as closed:
                await connection.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == code


async def test_a_page_of_ours_is_let_in(web: WebServer, cookie: str) -> None:
    async with socket(web, Cookie=cookie, Origin=web.url) as connection:
        await until(connection, "connection_ready")


async def test_too_much_audio_at_once_is_an_error_and_the_socket_stays_open(
    web: WebServer, token: str
) -> None:
    async with socket(web, Authorization=f"Bearer {token}") as connection:
        await start(connection)
        await connection.send(bytes((1 << 20) + 2))
        assert (await until(connection, "error"))["code"] == "audio_too_large"
        await connection.send('{"type": "ping"}')
        await until(connection, "pong")


async def test_a_client_whose_connection_breaks_leaves_an_ended_session(
    web: WebServer, token: str
) -> None:
    async with socket(web, Authorization=f"Bearer {token}") as connection:
        session_id = await start(connection)
        await connection.send('{"type": "text_input", "text": "talk for 30 seconds"}')
        await until(connection, "agent_response")
        connection.transport.abort()
    assert (await session(pk=session_id, status="ended")).end_reason == "client_left"


async def test_clients_that_close_while_a_reply_is_sent_have_left(
    web: WebServer, token: str
) -> None:
    sessions, logged = [], len(web.log())
    for _ in range(5):
        async with socket(web, Authorization=f"Bearer {token}") as connection:
            sessions.append(await start(connection))
            await connection.send('{"type": "text_input", "text": "talk for 30 seconds"}')
            await until(connection, "response_started")
    for session_id in sessions:
        assert (await session(pk=session_id, status="ended")).end_reason == "client_left"
    assert "ERROR" not in web.log()[logged:]


async def test_an_upload_whose_caller_goes_away_is_stopped(
    web: WebServer, token: str, spoken: Callable[[str], wav.Sound]
) -> None:
    sound = spoken(TRANSCRIPT)
    _reader, writer = await asyncio.open_connection("127.0.0.1", web.port)
    writer.write(_upload(token, wav.wrap(sound.pcm, sound.rate), web.port))
    await writer.drain()
    await session(status="active")
    writer.transport.abort()
    assert (await session(status="ended")).end_reason == "client_left"


def _upload(token: str, file: bytes, port: int) -> bytes:
    """A request whose turn is never answered (see ``ScriptedEngine``)."""
    providers = json.dumps({"stt": {"model": "says hold"}}).encode()
    body = (
        b"--x\r\nContent-Disposition: form-data; name=providers\r\n\r\n"
        + providers
        + b"\r\n--x\r\nContent-Disposition: form-data; name=file; filename=a.wav\r\n\r\n"
        + file
        + b"\r\n--x--\r\n"
    )
    head = (
        "POST /api/v1/orchestrator HTTP/1.1\r\n"
        f"Host: 127.0.0.1:{port}\r\n"
        f"Authorization: Bearer {token}\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body

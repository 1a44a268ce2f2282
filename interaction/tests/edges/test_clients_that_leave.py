"""Clients that go away, or do not read, while something waits to be sent to them; on both edges."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from interaction.core.orders import Respond
from interaction.edges.base import SessionConsumer
from interaction.edges.parley import codec
from interaction.models import Session
from interaction.sessions import create
from interaction.tests.fakes.scripted_engine import ScriptedEngine
from voiceproject.asgi import application

PATIENCE = 20
SPOKEN = " ".join(("words", "that", "somebody", "spoke"))


class Socket:
    """A server's side of one socket, whose client may stop reading or be gone."""

    def __init__(self, path: str, token: str, gone_at: int | None = None) -> None:
        """``gone_at``: the client goes just before this message, from 0, is sent to it."""
        self._gone_at = gone_at
        self.scope = {
            "type": "websocket",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": [(b"authorization", f"Bearer {token}".encode())],
            "subprotocols": [],
        }
        self.sent: list[dict[str, Any]] = []
        self.is_gone = self.is_stuck = False
        self.was_refused = asyncio.Event()
        """Something was sent in vain."""
        self._sent_more = asyncio.Event()
        self._received: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._received.put_nowait({"type": "websocket.connect"})

    def start(self) -> None:
        self.task = asyncio.create_task(application(self.scope, self._received.get, self._send))

    async def _send(self, message: dict[str, Any]) -> None:
        if len(self.sent) == self._gone_at and not self.is_gone:
            self.is_gone = True
            self._sent_more.set()
            # The server notices by itself, some time later.
            asyncio.get_running_loop().call_soon(self.disconnect)
        if self.is_gone:
            self.was_refused.set()
            raise RuntimeError("Attempt to send on a closed protocol")
        if self.is_stuck and message["type"] == "websocket.send":
            await asyncio.Event().wait()
        self.sent.append(message)
        self._sent_more.set()

    def receive(self, **message: Any) -> None:
        """The client has sent a message."""
        text = json.dumps(message)
        self._received.put_nowait({"type": "websocket.receive", "text": text})

    def disconnect(self) -> None:
        self._received.put_nowait({"type": "websocket.disconnect", "code": 1000})

    async def until(self, kind: str) -> None:
        """Until a message of this type has been sent."""
        async with asyncio.timeout(PATIENCE):
            while not any(f'"type":"{kind}"' in text for text in self._texts()):
                if self.is_gone:
                    return
                self._sent_more.clear()
                await self._sent_more.wait()

    def _texts(self) -> list[str]:
        return [message.get("text", "").replace('": "', '":"') for message in self.sent]

    async def end(self) -> None:
        """Until the application has returned; it must not raise."""
        await asyncio.wait_for(self.task, PATIENCE)

    def close(self) -> tuple[int, str] | None:
        last = self.sent[-1]
        return (last["code"], last["reason"]) if last["type"] == "websocket.close" else None


async def talk_on_parley(socket: Socket) -> None:
    socket.receive(type="start_session")
    socket.receive(type="text_input", text="talk for 30 seconds")
    await socket.until("agent_response")


async def talk_on_openai(socket: Socket) -> None:
    content = [{"type": "input_text", "text": "talk for 30 seconds"}]
    item = {"type": "message", "role": "user", "content": content}
    socket.receive(type="conversation.item.create", item=item)
    socket.receive(type="response.create")
    await socket.until("response.output_audio.delta")


EDGES = [
    pytest.param("/api/v1/orchestrator/ws", talk_on_parley, id="parley"),
    pytest.param("/v1/realtime", talk_on_openai, id="openai"),
]
Talk = Callable[[Socket], Any]


@pytest.mark.parametrize(("path", "talk"), EDGES)
class TestBothEdges:
    async def test_whoever_closes_while_something_waits_to_be_sent_has_left(
        self, path: str, talk: Talk, token: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        socket = Socket(path, token)
        socket.start()
        await talk(socket)
        socket.is_gone = True
        socket.receive(type="ping", nonce="")  # is answered, be it by an error
        await asyncio.wait_for(socket.was_refused.wait(), PATIENCE)
        socket.disconnect()
        await socket.end()
        session = await Session.objects.aget()
        assert (session.status, session.end_reason) == ("ended", "client_left")
        assert not [record for record in caplog.records if record.exc_info]

    async def test_whoever_does_not_read_is_told_so_and_closed(
        self,
        path: str,
        talk: Talk,
        token: str,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        monkeypatch.setattr(SessionConsumer, "send_s", 0)
        socket = Socket(path, token)
        socket.start()
        await talk(socket)
        socket.is_stuck = True
        socket.receive(type="ping", nonce="")
        await socket.end()
        assert socket.close() == (4408, "too slow")
        session = await Session.objects.aget()
        assert (session.status, session.end_reason) == ("ended", "client_too_slow")
        assert not [record for record in caplog.records if record.exc_info]

    async def test_whoever_leaves_while_their_session_is_made_leaves_none_open(
        self, path: str, talk: Talk, token: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The server stops, and daphne with it: the application is cancelled."""
        make, loop, is_made = create.prepare_new, asyncio.get_running_loop(), asyncio.Event()

        def slowly(*args: Any) -> create.PreparedSession:
            prepared = make(*args)
            loop.call_soon_threadsafe(is_made.set)
            cancelled.result(PATIENCE)
            return prepared

        from concurrent.futures import Future

        cancelled: Future[None] = Future()
        monkeypatch.setattr(create, "prepare_new", slowly)
        socket = Socket(path, token)
        socket.start()
        talking = asyncio.create_task(talk(socket))
        await asyncio.wait_for(is_made.wait(), PATIENCE)
        socket.task.cancel()
        loop.call_soon(cancelled.set_result, None)
        with pytest.raises(asyncio.CancelledError):
            await socket.task
        talking.cancel()
        session = await Session.objects.aget()
        assert (session.status, session.end_reason) == ("ended", "server_stopped")


async def test_a_bug_in_an_edge_ends_the_session_with_its_type_in_the_log(
    token: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    socket = Socket("/api/v1/orchestrator/ws", token)
    socket.start()
    await talk_on_parley(socket)

    def broken(message: object) -> None:
        raise ZeroDivisionError(SPOKEN)

    monkeypatch.setattr(codec, "command", broken)
    socket.receive(type="interrupt")
    await socket.until("error")
    socket.disconnect()
    await socket.end()
    assert socket.close() == (1011, "internal_error")
    session = await Session.objects.aget()
    assert (session.status, session.end_reason) == ("ended", "internal_error")
    assert "socket broke: builtins.ZeroDivisionError" in caplog.text
    assert SPOKEN not in caplog.text


async def leaves_at(
    path: str, talk: Talk, token: str, gone_at: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Somebody talks, goes before the ``gone_at``-th message to them, and that is all."""
    socket = Socket(path, token, gone_at)
    socket.start()
    await talk(socket)
    socket.receive(type="ping", nonce="")
    await asyncio.wait_for(socket.was_refused.wait(), PATIENCE)
    await socket.end()
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
    async for session in Session.objects.all():
        assert (session.status, session.end_reason) == ("ended", "client_left"), gone_at
    await Session.objects.all().adelete()


@pytest.mark.parametrize("first", range(0, 60, 10))
@pytest.mark.parametrize(("path", "talk"), EDGES)
async def test_whenever_somebody_goes_their_session_ends_as_left(
    path: str,
    talk: Talk,
    first: int,
    token: str,
    engines: list[ScriptedEngine],
    caplog: pytest.LogCaptureFixture,
) -> None:
    for gone_at in range(first, first + 10):
        engines.clear()
        await leaves_at(path, talk, token, gone_at, caplog)
        for engine in engines:
            assert engine.closed
            said = [order for order in engine.orders if isinstance(order, Respond)]
            assert len(engine.records) >= len(said), "what they said is kept"
            assert {one.end_reason for one in engine.records} <= {"client_left"}


@pytest.mark.parametrize("gone_at", range(3))
@pytest.mark.parametrize("path", [edge.values[0] for edge in EDGES] + ["/nowhere"])
async def test_whoever_goes_while_they_are_turned_away_is_no_error(
    path: str, gone_at: int, caplog: pytest.LogCaptureFixture, owner: object
) -> None:
    socket = Socket(path, "pt_wrong", gone_at)
    socket.start()
    await socket.end()
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_a_bug_that_nothing_expects_is_logged_with_the_members_of_its_group(
    token: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: object) -> None:
        raise ExceptionGroup("two", [ZeroDivisionError(SPOKEN), KeyError(SPOKEN)])

    monkeypatch.setattr(SessionConsumer, "_serve", broken)
    socket = Socket("/api/v1/orchestrator/ws", token)
    socket.start()
    await socket.end()
    assert "socket broke: builtins.ZeroDivisionError, builtins.KeyError" in caplog.text
    assert SPOKEN not in caplog.text

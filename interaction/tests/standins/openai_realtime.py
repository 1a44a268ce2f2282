"""A server that speaks OpenAI's Realtime protocol as a model would: it hears, and answers aloud.

What it says back is the audio that it heard, so that a test can follow a tone round the loop.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import http
import itertools
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from interaction.tests.standins.serving import words

Event = dict[str, Any]
TRANSCRIPTION = "conversation.item.input_audio_transcription"
BUSY = "conversation_already_has_active_response"
TONE = b"\x00\x10" * 27 + b"\x00\xf0" * 27
"""A period of a square wave of 444 Hz at 24 kHz."""


@dataclass
class Plan:
    """How the next response goes."""

    text: str = "That is what you said. Is it not?"
    deltas: tuple[str, ...] = ()
    """The pieces in which the text comes, where they are not its words."""
    calls: tuple[tuple[str, str], ...] = ()
    """Functions to be called instead: name, arguments."""
    preamble: str = ""
    """What is said before they are called."""
    fault: str = ""
    """``silent``: nothing comes; ``cut``: the connection breaks after the first audio; ``fail``:
    the response fails; ``garbage``: something that is no JSON; ``null``: audio that is none;
    ``hold``: it stops after the first audio until it is cancelled; ``empty``: the commit is
    refused, but it responds all the same; ``busy``: the response before is said to be still in
    progress, and is then over; ``cleared``: it is over just before that is said; ``linger``: as
    ``hold``, but being cancelled takes effect only with ``lets_go``."""
    incomplete: str = ""
    """The reason for which the response is incomplete, once it is said."""
    late_words: bool = False
    """The person's transcript comes after the response."""


@dataclass
class Connection:
    """One connection, as the server saw it."""

    headers: Any
    path: str
    received: list[Event] = field(default_factory=list)
    audio: bytes = b""
    spoken_items: list[str] = field(default_factory=list)
    """Ids of the messages that were spoken."""

    def of(self, kind: str) -> list[Event]:
        return [event for event in self.received if event["type"] == kind]


class Standin:
    def __init__(self) -> None:
        self.refuses: int | None = None
        """An HTTP status for every handshake."""
        self.hangs_up = False
        """On everybody, once their session is set up."""
        self._active = False
        """A response is in progress."""
        self._lingers = False
        """And will not be cancelled yet."""
        self.connections: list[Connection] = []
        self.plans: list[Plan] = []
        self.words = "hello there everybody"
        self.word_deltas: tuple[str, ...] = ()
        """The pieces of the person's transcript, where it is not its first word alone."""
        self.port = 0
        self.arrived = asyncio.Condition()
        self._sockets: list[ServerConnection] = []
        self._ids = itertools.count(1)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[Standin]:
        async with serve(
            self._serve, "127.0.0.1", 0, process_request=self._refuse_handshake
        ) as server:
            self.port = next(iter(server.sockets)).getsockname()[1]
            yield self

    async def until(self, kind: str, count: int = 1) -> Event:
        """The ``count``-th event of a kind that any client has sent, once it is there."""
        async with asyncio.timeout(20), self.arrived:
            while True:
                events = [event for connection in self.connections for event in connection.of(kind)]
                if len(events) >= count:
                    return events[count - 1]
                await self.arrived.wait()

    async def connected(self, count: int) -> None:
        """Wait until so many sessions are set up."""
        await self.until("session.update", count)

    async def detects(self, kind: str) -> None:
        """Say that somebody began to speak, or has finished (server VAD)."""
        where = {"item_id": "item_vad", "audio_start_ms": 0, "audio_end_ms": 900}
        await self._send(self._sockets[-1], f"input_audio_buffer.{kind}", **where)

    async def responds(self) -> None:
        """By itself, as a server that finds turns does."""
        socket, connection = self._sockets[-1], self.connections[-1]
        await self._committed(socket, connection, self.plans[0] if self.plans else Plan())
        await self._respond(socket, connection)

    async def is_interrupted(self) -> None:
        """By its own detection: somebody speaks while it does."""
        await self.detects("speech_started")
        await self._send_done(self._sockets[-1], "cancelled")

    async def lets_go(self) -> None:
        """Of the response that lingers."""
        self._lingers = False
        await self._send_done(self._sockets[-1], "cancelled")

    @contextlib.contextmanager
    def stalled(self) -> Iterator[None]:
        """Nothing is read of what the client sends."""
        transport = self._sockets[-1].transport
        assert isinstance(transport, asyncio.Transport)
        transport.pause_reading()
        yield
        transport.resume_reading()

    async def hang_up(self) -> None:
        self._sockets[-1].transport.abort()

    def _refuse_handshake(self, connection: ServerConnection, request: Request) -> Response | None:
        if self.refuses is None:
            return None
        return connection.respond(http.HTTPStatus(self.refuses), "no\n")

    async def _serve(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        connection = Connection(socket.request.headers, socket.request.path)
        self.connections.append(connection)
        self._sockets.append(socket)
        await self._send(socket, "session.created", session={"type": "realtime"})
        with contextlib.suppress(ConnectionClosed):
            async for text in socket:
                event = json.loads(text)
                connection.received.append(event)
                await self._on_event(socket, connection, event)
                async with self.arrived:
                    self.arrived.notify_all()

    async def _on_event(
        self, socket: ServerConnection, connection: Connection, event: Event
    ) -> None:
        match event["type"]:
            case "session.update":
                await self._send(socket, "session.updated", session=event["session"])
                if self.hangs_up:
                    await socket.close()
            case "input_audio_buffer.append":
                connection.audio += base64.b64decode(event["audio"])
            case "input_audio_buffer.commit":
                plan = self.plans[0] if self.plans else Plan()
                if plan.fault == "empty":
                    await self._send_error(socket, event, "input_audio_buffer_commit_empty")
                else:
                    await self._committed(socket, connection, plan)
            case "input_audio_buffer.clear":
                connection.audio = b""
            case "response.create" if self._lingers:
                await self._send_error(socket, event, BUSY)
            case "response.create" if self._is_busy():
                if self.plans.pop(0).fault == "busy":
                    await self._send_error(socket, event, BUSY)
                    await self._send_done(socket, "cancelled")
                else:
                    await self._send_done(socket, "cancelled")
                    await self._send_error(socket, event, BUSY)
            case "response.create":
                await self._respond(socket, connection)
            case "response.cancel" if not self._active:
                await self._send_error(socket, event, "response_cancel_not_active")
            case "response.cancel" if not (self._lingers or self._is_busy()):
                await self._send_done(socket, "cancelled")
            case "conversation.item.truncate":
                where = {k: event[k] for k in ("item_id", "content_index", "audio_end_ms")}
                await self._send(socket, "conversation.item.truncated", **where)

    def _is_busy(self) -> bool:
        return bool(self.plans) and self.plans[0].fault in ("busy", "cleared")

    async def _send_error(self, socket: ServerConnection, event: Event, code: str) -> None:
        error = {"type": "invalid_request_error", "code": code, "message": "No."}
        await self._send(socket, "error", error={**error, "event_id": event.get("event_id")})

    async def _committed(
        self, socket: ServerConnection, connection: Connection, plan: Plan
    ) -> None:
        self._item = f"item_{next(self._ids)}"
        await self._send(socket, "input_audio_buffer.committed", item_id=self._item)
        if not plan.late_words:
            await self._send_transcript(socket)

    async def _send_transcript(self, socket: ServerConnection) -> None:
        where = {"item_id": self._item, "content_index": 0}
        first, _space, _rest = self.words.partition(" ")
        for delta in self.word_deltas or (first,):
            await self._send(socket, f"{TRANSCRIPTION}.delta", **where, delta=delta)
        usage = {"type": "duration", "seconds": 1.0}
        told = {"transcript": self.words, "usage": usage}
        await self._send(socket, f"{TRANSCRIPTION}.completed", **where, **told)

    async def _respond(self, socket: ServerConnection, connection: Connection) -> None:
        plan = self.plans.pop(0) if self.plans else Plan()
        if plan.fault == "silent":
            return
        if plan.fault == "garbage":
            await socket.send("this is no JSON")
            return
        if plan.fault == "null":
            await self._send(socket, "response.output_audio.delta", item_id="item", delta=None)
            return
        self._response, self._active = f"resp_{next(self._ids)}", True
        response = {"id": self._response, "status": "in_progress", "output": []}
        await self._send(socket, "response.created", response=response)
        if plan.fault == "fail":
            await self._send_done(socket, "failed")
            return
        if plan.calls:
            if plan.preamble:
                await self._speak(socket, connection, Plan(plan.preamble))
            await self._call(socket, plan)
        elif await self._speak(socket, connection, plan):
            await self._send_done(
                socket, "incomplete" if plan.incomplete else "completed", reason=plan.incomplete
            )

    async def _call(self, socket: ServerConnection, plan: Plan) -> None:
        output = [
            {
                "id": f"item_{next(self._ids)}",
                "type": "function_call",
                "status": "completed",
                "call_id": f"call_{number}",
                "name": name,
                "arguments": arguments,
            }
            for number, (name, arguments) in enumerate(plan.calls)
        ]
        await self._send_done(socket, "completed", output)

    async def _speak(self, socket: ServerConnection, connection: Connection, plan: Plan) -> bool:
        """Returns whether the message was said to its end."""
        item = {"id": f"item_{next(self._ids)}", "type": "message", "role": "assistant"}
        where = {"response_id": self._response, "item_id": item["id"], "output_index": 0}
        added = {"item": {**item, "content": [], "status": "in_progress"}}
        index = {"response_id": self._response, "output_index": 0}
        await self._send(socket, "response.output_item.added", **index, **added)
        connection.spoken_items.append(item["id"])
        where["content_index"] = 0
        audio = connection.audio or TONE * 444
        connection.audio = b""
        for delta in plan.deltas or words(plan.text):
            await self._send(socket, "response.output_audio_transcript.delta", **where, delta=delta)
        for start in range(0, len(audio), 9_600):
            piece = base64.b64encode(audio[start : start + 9_600]).decode()
            await self._send(socket, "response.output_audio.delta", **where, delta=piece)
            if plan.fault == "cut":
                socket.transport.abort()
            self._lingers = plan.fault == "linger"
            if plan.fault in ("cut", "hold", "linger"):
                return False
        if plan.late_words:
            await self._send_transcript(socket)
        return True

    async def _send_done(
        self,
        socket: ServerConnection,
        status: str,
        output: list[Event] | None = None,
        reason: str = "",
    ) -> None:
        usage = {"total_tokens": 30, "input_tokens": 20, "output_tokens": 10}
        details: Event | None = {"type": status, "reason": reason} if reason else None
        if status == "failed":
            details = {"type": "failed", "error": {"code": "rate_limit_exceeded", "type": "x"}}
        response = {
            "id": self._response,
            "status": status,
            "status_details": details,
            "output": output or [],
            "usage": usage,
        }
        self._active = False
        await self._send(socket, "response.done", response=response)

    async def _send(self, socket: ServerConnection, kind: str, **fields: Any) -> None:
        event = {"type": kind, "event_id": f"event_{next(self._ids)}", **fields}
        await socket.send(json.dumps(event))

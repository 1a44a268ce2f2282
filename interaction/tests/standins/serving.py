"""What every stand-in server shares: it answers by a plan, as late and as wrong as it is told.

In a test's own loop::

    async with Standin() as server:
        server.script("llm", text="Fine.", first_after=0.2)      # from now on
        server.next("tts", fault="cut")                          # the next request only
        ...
        assert server.connections == 1

A subclass speaks one provider's protocol: it has the routes, frames the events, and words errors.
"""

from __future__ import annotations

import asyncio
import io
import json
import re
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Literal, Self

import soundfile
from aiohttp import web

Stage = Literal["stt", "llm", "tts"]
STAGES: tuple[Stage, ...] = ("stt", "llm", "tts")


@dataclass(frozen=True)
class Plan:
    """What a request gets. Times in seconds."""

    text: str | None = None
    """The transcript, the reply; for speech, it is spoken instead of the input."""
    deltas: tuple[str, ...] = ()
    """The pieces in which the text comes, where they are not its words."""
    calls: tuple[dict[str, Any], ...] = ()
    """Of a language model: tools that it calls, {"name", "arguments": {…}}, unless it was just
    told a result. Or {"name", "pieces": […]}: the JSON of the arguments as it is streamed."""
    again: bool = False
    """It calls them even then."""
    first_after: float = 0
    pause: float = 0
    """Between two pieces."""
    status: int = 200
    code: str = ""
    """The error's code, where the answer is not 200, or of the fault ``error``."""
    retry_after: str = ""
    held: bool = False
    """The last piece is sent after ``release``."""
    odd: str | bytes | None = None
    """Over a socket: sent before each piece and before the answer to a mark."""
    fault: Literal["", "hang", "stall", "cut", "garbage", "error", "whole", "page"] = ""
    """``hang``: no answer. ``stall``, ``cut``, ``garbage``, ``error``: after the first piece it
    stops, closes the connection, sends what cannot be parsed, or an error event. ``whole``: it
    does not stream, and answers JSON (stt, llm), or a WAV file (tts). ``page``: an HTML page."""


@dataclass
class Received:
    """One request, as it is told by ``/_log``."""

    stage: str
    connection: int
    authorization: str
    body: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0
    """Of the audio that came."""
    ended: Literal["", "answered", "failed", "abandoned"] = ""
    """``abandoned``: the client went away before the end."""


Serving = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Standin:
    path: ClassVar[str] = ""
    """What ``url`` has after the port."""
    key_header: ClassVar[str] = "Authorization"

    def __init__(self, port: int = 0) -> None:
        self._port = port
        self.url = ""
        self._released = asyncio.Event()
        self._arrival = asyncio.Event()
        self._sockets: dict[Any, int] = {}
        self.open: set[web.WebSocketResponse] = set()
        """WebSockets that are open."""
        self.reset()
        app = web.Application(client_max_size=1 << 26)
        app.add_routes(self.routes())
        # Silent: its log lines would be among those that tests look at.
        self._runner = web.AppRunner(
            app, handler_cancellation=True, shutdown_timeout=0.1, access_log=None
        )

    def routes(self) -> list[web.RouteDef]:
        raise NotImplementedError

    def error(self, plan: Plan, key: str) -> dict[str, Any]:
        """The body of an answer that is not 200. It quotes the key, as servers do: the key must
        not get any further."""
        return {"error": {"message": f"Wrong: {key}", "code": plan.code or None, "type": "error"}}

    def error_event(self, plan: Plan) -> dict[str, Any]:
        """An error inside a stream."""
        return self.error(plan, "")

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}{self.path}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    def reset(self) -> None:
        self.requests: list[Received] = []
        self._seen: set[int] = set()
        self._always: dict[Stage, Plan] = dict.fromkeys(STAGES, Plan())
        self._next: dict[Stage, deque[Plan]] = {stage: deque() for stage in STAGES}
        self._released.clear()

    def script(self, stage: Stage, **plan: Any) -> None:
        """Serve every request of a stage by this plan, from now on."""
        self._always[stage] = _plan(plan)

    def next(self, stage: Stage, **plan: Any) -> None:
        """Serve one request by this plan, after those that were already asked for."""
        self._next[stage].append(_plan(plan))

    def release(self) -> None:
        """Let everything go that is held."""
        self._released.set()

    async def released(self) -> None:
        await self._released.wait()

    async def arrived(self, count: int) -> None:
        """Wait until this many requests of the stages have come."""
        while len(self.requests) < count:
            self._arrival.clear()
            await self._arrival.wait()

    @property
    def connections(self) -> int:
        """Distinct sockets that brought a request of a stage."""
        return len(self._seen)

    def log(self) -> dict[str, Any]:
        requests = [asdict(received) for received in self.requests]
        return {"connections": self.connections, "requests": requests}

    def peek(self, stage: Stage) -> Plan:
        """What the next request will get."""
        queue = self._next[stage]
        return queue[0] if queue else self._always[stage]

    def receive(self, stage: Stage, request: web.Request) -> tuple[Received, Plan]:
        """Note that a request has come, and look what it is to get."""
        key = request.headers.get(self.key_header, "")
        received = Received(stage, self._socket(request), key)
        self.requests.append(received)
        self._arrival.set()
        queue = self._next[stage]
        received.ended = "abandoned"
        return received, queue.popleft() if queue else self._always[stage]

    def serve(self, stage: Stage, answer: Callable[[Answer], Awaitable[None]]) -> Serving:
        async def serve(request: web.Request) -> web.StreamResponse:
            received, plan = self.receive(stage, request)
            respond_when = Answer(self, request, plan, received)
            await respond_when.start()
            if respond_when.response is None:
                await answer(respond_when)
            assert respond_when.response is not None
            received.ended = "failed" if plan.fault or plan.status != 200 else "answered"
            return respond_when.response

        return serve

    def refusal(self, plan: Plan, key: str) -> web.Response:
        headers = {"Retry-After": plan.retry_after} if plan.retry_after else {}
        return web.json_response(self.error(plan, key), status=plan.status, headers=headers)

    def _socket(self, request: web.Request) -> int:
        assert request.transport
        peer = request.transport.get_extra_info("peername")
        number = self._sockets.setdefault(peer, len(self._sockets) + 1)
        self._seen.add(number)
        return number


class Answer:
    """Sends what a plan says, in pieces."""

    def __init__(
        self, server: Standin, request: web.Request, plan: Plan, received: Received
    ) -> None:
        self.request = request
        self.plan = plan
        self.received = received
        self.response: web.StreamResponse | None = None
        self._server = server

    async def start(self) -> None:
        if self.plan.fault == "hang":
            await asyncio.Event().wait()
        await asyncio.sleep(self.plan.first_after)
        if self.plan.status != 200:
            self.response = self._server.refusal(self.plan, self.received.authorization)
        elif self.plan.fault == "page":
            self.response = web.Response(text="<html><p>Sign in</html>", content_type="text/html")

    async def whole(self, body: dict[str, Any]) -> None:
        self.response = web.json_response(body)

    async def events(
        self,
        events: list[dict[str, Any]],
        *,
        done: bool = False,
        named: bool = False,
        lead: int = 1,
    ) -> None:
        """Server-sent events; ``named``: each with its type as its name. ``lead``: how many of
        them make the first piece."""
        sent = [_event(event, named=named) for event in events]
        pieces = [b"".join(sent[:lead]), *sent[lead:], *([b"data: [DONE]\n\n"] if done else [])]
        await self.pieces("text/event-stream", pieces, named=named)

    async def pieces(self, content_type: str, pieces: list[bytes], *, named: bool = False) -> None:
        response = web.StreamResponse(headers={"Content-Type": content_type})
        await response.prepare(self.request)
        sent = list(self._faulty(pieces, named=named))
        for number, piece in enumerate(sent):
            if number:
                await asyncio.sleep(self.plan.pause)
            if self.plan.held and number == len(sent) - 1:
                await self._server.released()
            await response.write(piece)
        if self.plan.fault == "stall":
            await asyncio.Event().wait()
        if self.plan.fault == "cut" and self.request.transport:
            self.request.transport.close()
        else:
            await response.write_eof()
        self.response = response

    def _faulty(self, pieces: list[bytes], *, named: bool) -> Iterator[bytes]:
        if self.plan.fault in ("", "whole"):
            yield from pieces
            return
        yield pieces[0]
        if self.plan.fault == "garbage":
            yield b"event: message_delta\ndata: {]\n\n" if named else b"data: {]\n\n"
        elif self.plan.fault == "error":
            yield _event(self._server.error_event(self.plan), named=named)


def deltas_of(plan: Plan, text: str) -> list[str]:
    """The pieces in which a text is streamed."""
    return list(plan.deltas) or words(text)


def argument_pieces(call: dict[str, Any]) -> list[str]:
    """The JSON of a call's arguments, in two pieces or as the plan cuts it."""
    if "pieces" in call:
        return list(call["pieces"])
    arguments = json.dumps(call.get("arguments", {}))
    half = len(arguments) // 2
    return [arguments[:half], arguments[half:]]


def words(text: str) -> list[str]:
    return re.findall(r"\s*\S+", text) or [""]


def pcm_as_wav(samples: Any, rate: int) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format="WAV")
    return file.getvalue()


def _event(event: dict[str, Any], *, named: bool) -> bytes:
    name = f"event: {event['type']}\n" if named else ""
    return f"{name}data: {json.dumps(event)}\n\n".encode()


def _plan(plan: dict[str, Any]) -> Plan:
    lists = {name: tuple(plan.get(name, ())) for name in ("calls", "deltas")}
    return Plan(**{**plan, **lists})

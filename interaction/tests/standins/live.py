"""What the stand-ins for live transcription share: sockets, and utterances one after another.

A word of the transcript is told for each piece of audio; the whole at a mark. Faults come after
the first word: ``stall`` and ``cut`` at the mark, ``garbage`` and ``error`` at once. A request is
an utterance.
"""

from __future__ import annotations

import json
from typing import Any

from aiohttp import WSMsgType, web

from interaction.tests.standins import serving
from interaction.tests.standins.serving import Plan, Received, deltas_of

HEARD = "hello there everybody"


class Standin(serving.Standin):
    async def listen(self, request: web.Request) -> web.StreamResponse:
        plan = self.peek("stt")
        if plan.status != 200:
            received, plan = self.receive("stt", request)
            received.ended = "failed"
            return self.refusal(plan, received.authorization)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await self.greet(socket)
        caller = Caller(self, request, socket)
        self.open.add(socket)
        try:
            async for message in socket:
                if message.type == WSMsgType.BINARY:
                    await self.on_audio(caller, message.data)
                elif message.type == WSMsgType.TEXT:
                    await self.on_event(caller, json.loads(message.data))
        finally:
            self.open.discard(socket)
        return socket

    async def greet(self, socket: web.WebSocketResponse) -> None:
        pass

    async def on_audio(self, caller: Caller, pcm: bytes) -> None:
        raise NotImplementedError

    async def on_event(self, caller: Caller, event: dict[str, Any]) -> None:
        raise NotImplementedError

    def partial(self, caller: Caller, text: str, word: str) -> dict[str, Any]:
        raise NotImplementedError


class Caller:
    """One socket, and the utterance that comes over it at the moment."""

    def __init__(
        self, server: Standin, request: web.Request, socket: web.WebSocketResponse
    ) -> None:
        self.socket = socket
        self.query = dict(request.query)
        self.utterances = 0
        self.plan = Plan()
        self._server = server
        self._request = request
        self._received: Received | None = None
        self._words: list[str] = []
        self._words_sent = 0

    async def on_audio(self, pcm: bytes, rate: int) -> None:
        """A piece of audio has come."""
        if not self._received:
            self._received, self.plan = self._server.receive("stt", self._request)
            self._received.body = self.query
            self._words = deltas_of(self.plan, HEARD if self.plan.text is None else self.plan.text)
            self._words_sent = 0
            self.utterances += 1
        self._received.seconds += len(pcm) / 2 / rate
        if self.plan.fault == "hang" or self._words_sent >= len(self._words):
            return
        if self._words_sent and self.plan.fault:
            return
        word = self._words[self._words_sent]
        self._words_sent += 1
        await self._send_odd()
        await self.send(self._server.partial(self, "".join(self._words[: self._words_sent]), word))
        if self.plan.fault == "garbage":
            await self.socket.send_str("{]")
        elif self.plan.fault == "error":
            await self.send(self._server.error_event(self.plan))

    async def text(self) -> str | None:
        """The whole transcript, at a mark; None where no answer is to be given."""
        if self.plan.fault in ("hang", "stall", "garbage", "error"):
            return None
        if self.plan.fault == "cut":
            assert self._request.transport
            self._request.transport.abort()
            return None
        if self.plan.held:
            await self._server.released()
        await self._send_odd()
        return "".join(self._words)

    async def _send_odd(self) -> None:
        if isinstance(self.plan.odd, bytes):
            await self.socket.send_bytes(self.plan.odd)
        elif self.plan.odd is not None:
            await self.socket.send_str(self.plan.odd)

    def over(self) -> None:
        """The utterance has ended, and what comes next is another one."""
        if self._received:
            self._received.ended = "failed" if self.plan.fault else "answered"
            self._received = None

    async def send(self, event: dict[str, Any]) -> None:
        await self.socket.send_str(json.dumps(event))

"""A client of OpenAI's protocol, through which every event is held against the SDK's own types."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any, Self

from channels.testing import WebsocketCommunicator
from openai.types.realtime import RealtimeServerEvent
from pydantic import TypeAdapter

from interaction.audio.resample import Resampler
from voiceproject.asgi import application

PATIENCE = 20
EVENTS: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)

Event = dict[str, Any]


def checked(text: str) -> Event:
    """An event as the SDK's types have it, strictly: no string for a number, no number for a
    whole one."""
    EVENTS.validate_json(text, strict=True)
    event: Event = json.loads(text)
    return event


class Client:
    def __init__(self, query: str = "", subprotocols: list[str] | None = None, **headers: str):
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        path = f"/v1/realtime{query and '?'}{query}"
        self._socket = WebsocketCommunicator(application, path, raw, subprotocols)
        self.got: list[Event] = []
        self.subprotocol: str | None = None
        self.close_code: int | None = None

    async def __aenter__(self) -> Self:
        accepted, self.subprotocol = await self._socket.connect(timeout=PATIENCE)
        assert accepted
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self.close_code is None:
            await self._socket.disconnect(code=1006, timeout=PATIENCE)
        else:
            await self._socket.send_input({"type": "websocket.disconnect", "code": 1006})
        await self._socket.wait(timeout=PATIENCE)

    async def send(self, type: str, **fields: Any) -> None:
        await self._socket.send_json_to({"type": type, **fields})

    async def send_text(self, text: str) -> None:
        await self._socket.send_to(text_data=text)

    async def update(self, **session: Any) -> Event:
        await self.send("session.update", session={"type": "realtime", **session})
        updated = await self.until("session.updated")
        session_now: Event = updated["session"]
        return session_now

    async def say(self, pcm: bytes, encode: Callable[[bytes], bytes] = lambda pcm: pcm) -> None:
        """Send speech of 16 kHz as it is recorded."""
        resampler = Resampler(16_000, 24_000)
        audio = encode(resampler.feed(pcm) + resampler.finish())
        for start in range(0, len(audio), 48_000):
            await self.append(audio[start : start + 48_000])

    async def append(self, raw: bytes) -> None:
        audio = base64.b64encode(raw).decode()
        await self.send("input_audio_buffer.append", audio=audio)

    async def write(self, text: str, role: str = "user", **fields: Any) -> None:
        content = [{"type": "input_text", "text": text}]
        item = {"type": "message", "role": role, "content": content, **fields}
        await self.send("conversation.item.create", item=item)

    async def receive(self) -> Event:
        output = await self._socket.receive_output(timeout=PATIENCE)
        if output["type"] == "websocket.close":
            self.close_code = output["code"]
            return {"type": "close", "code": self.close_code, "reason": output.get("reason")}
        event = checked(output["text"])
        self.got.append(event)
        return event

    async def until(self, type: str) -> Event:
        while True:
            event = await self.receive()
            if event["type"] == type:
                return event
            assert event["type"] != "close", "closed"

    async def in_step(self) -> None:
        """Everything sent before this has been taken."""
        await self.send("in step?")
        while (await self.until("error"))["error"]["code"] != "unknown_event":
            pass

    def types(self) -> list[str]:
        """In their order, each run of deltas once."""
        types: list[str] = []
        for event in self.got:
            kind = event["type"]
            if not (kind.endswith(".delta") and kind in types[-2:]):
                types.append(kind)
        return types

    def of(self, type: str) -> list[Event]:
        return [event for event in self.got if event["type"] == type]

    def audio(self) -> bytes:
        deltas = self.of("response.output_audio.delta")
        return b"".join(base64.b64decode(event["delta"]) for event in deltas)

"""A client at protocol level, which checks every message against the JSON Schemas."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Any, Self
from uuid import UUID

from channels.testing import WebsocketCommunicator
from jsonschema import Draft202012Validator

from interaction.edges import json_schemas
from interaction.edges.parley.messages import AudioHeader
from voiceproject.asgi import application

PATIENCE = 20
"""Seconds after which a message that does not come fails the test."""


@cache
def validator(name: str) -> Draft202012Validator:
    schema = json.loads(json_schemas.path_of(name).read_text())
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


@dataclass
class Audio:
    header: AudioHeader
    pcm: bytes


class Client:
    def __init__(self, path: str = "/ws/interaction/", **headers: str) -> None:
        raw = [(name.encode().replace(b"_", b"-"), v.encode()) for name, v in headers.items()]
        self._socket = WebsocketCommunicator(application, path, raw)
        self.got: list[dict[str, Any] | Audio] = []
        self.close_code: int | None = None

    async def __aenter__(self) -> Self:
        accepted, _ = await self._socket.connect(timeout=PATIENCE)
        assert accepted
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self.close_code is None:
            await self.vanish()

    async def vanish(self) -> None:
        """Be gone; returns when the server has cleaned up."""
        await self._socket.send_input({"type": "websocket.disconnect", "code": 1006})
        self.close_code = 1006
        await self._socket.wait(timeout=PATIENCE)

    async def cancel(self) -> None:
        """What daphne does to an application when it stops, or has waited long enough."""
        self.close_code = 1006
        self._socket.future.cancel()
        await self._socket.wait(timeout=PATIENCE)

    async def send(self, type: str, **fields: Any) -> None:
        message = {"type": type, **fields}
        validator(type).validate(message)
        await self._socket.send_json_to(message)

    async def send_text(self, text: str) -> None:
        await self._socket.send_to(text_data=text)

    async def send_audio(self, pcm: bytes) -> None:
        await self._socket.send_to(bytes_data=pcm)

    async def receive(self) -> dict[str, Any] | Audio:
        output = await self._socket.receive_output(timeout=PATIENCE)
        if output["type"] == "websocket.close":
            self.close_code = output["code"]
            return {"type": "close", "code": self.close_code}
        got: dict[str, Any] | Audio
        if "bytes" in output:
            got = Audio(*AudioHeader.unpacked(output["bytes"]))
        else:
            message = json.loads(output["text"])
            validator(message["type"]).validate(message)
            got = message
        self.got.append(got)
        return got

    async def until(self, type: str) -> dict[str, Any]:
        """The next message of this type; what comes before it is in ``got``."""
        while True:
            got = await self.receive()
            if isinstance(got, dict) and got["type"] == type:
                return got

    async def until_last_audio(self) -> None:
        while True:
            got = await self.receive()
            if isinstance(got, Audio) and got.header.last:
                return

    async def start(self, **fields: Any) -> dict[str, Any]:
        await self.send("start_session", **fields)
        return await self.until("session_started")

    async def has_played(self, reply_id: str, ms: int, *, ended: bool = False) -> None:
        await self.send("playback", reply_id=reply_id, played_ms=ms, ended=ended)

    async def in_step(self) -> None:
        """Everything sent before this has been taken, all that it caused has been received."""
        await self.send("ping", nonce="step")
        await self.until("pong")

    def types(self) -> list[str]:
        return [got["type"] for got in self.got if isinstance(got, dict)]

    def audio(self, reply_id: str | None = None) -> list[Audio]:
        wanted = UUID(reply_id) if reply_id else None
        return [
            got
            for got in self.got
            if isinstance(got, Audio) and wanted in (None, got.header.reply_id)
        ]

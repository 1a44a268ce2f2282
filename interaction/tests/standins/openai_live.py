"""A server that speaks OpenAI's realtime protocol, transcription sessions alone."""

from __future__ import annotations

import base64
from typing import Any

from aiohttp import web

from interaction.tests.standins import live
from interaction.tests.standins.live import Caller
from interaction.tests.standins.serving import Plan

TRANSCRIPTION = "conversation.item.input_audio_transcription"


class Standin(live.Standin):
    path = "/v1"

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/v1/realtime", self.listen)]

    def error_event(self, plan: Plan) -> dict[str, Any]:
        return {"type": "error", "event_id": "e", **self.error(plan, "")}

    async def greet(self, socket: web.WebSocketResponse) -> None:
        await socket.send_json({"type": "session.created", "session": {"type": "transcription"}})

    def partial(self, caller: Caller, text: str, word: str) -> dict[str, Any]:
        return {"type": f"{TRANSCRIPTION}.delta", "item_id": _item(caller), "delta": word}

    async def on_audio(self, caller: Caller, pcm: bytes) -> None:
        raise AssertionError("audio comes as text")

    async def on_event(self, caller: Caller, event: dict[str, Any]) -> None:
        match event["type"]:
            case "session.update":
                caller.query |= event["session"]["audio"]["input"]
                await caller.send({"type": "session.updated", "session": event["session"]})
            case "input_audio_buffer.append":
                await caller.on_audio(base64.b64decode(event["audio"]), 24_000)
            case "input_audio_buffer.commit":
                await self._commit(caller)

    async def _commit(self, caller: Caller) -> None:
        text = await caller.text()
        if text is None:
            return
        item = _item(caller)
        await caller.send({"type": "input_audio_buffer.committed", "item_id": item})
        await caller.send(
            {"type": f"{TRANSCRIPTION}.completed", "item_id": item, "transcript": text}
        )
        caller.over()


def _item(caller: Caller) -> str:
    return f"item_{caller.utterances}"

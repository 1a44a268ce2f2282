"""A server that speaks Deepgram's live transcription protocol.

A ``Finalize`` ends an utterance here, so that its audio can be told from the next one's. With the
plan's code ``mute`` it is not answered, as Deepgram may do; ``CloseStream`` always is.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from interaction.tests.standins import live
from interaction.tests.standins.live import Caller
from interaction.tests.standins.serving import Plan


class Standin(live.Standin):
    def routes(self) -> list[web.RouteDef]:
        return [web.get("/v1/listen", self.listen)]

    def error(self, plan: Plan, key: str) -> dict[str, Any]:
        return {"err_code": plan.code, "err_msg": f"Wrong: {key}"}

    def error_event(self, plan: Plan) -> dict[str, Any]:
        return {"type": "Error", "description": "Wrong", "variant": plan.code}

    def partial(self, caller: Caller, text: str, word: str) -> dict[str, Any]:
        return _results(text, is_final=False)

    async def on_audio(self, caller: Caller, pcm: bytes) -> None:
        await caller.on_audio(pcm, 16_000)

    async def on_event(self, caller: Caller, event: dict[str, Any]) -> None:
        if event["type"] == "KeepAlive" or not caller.utterances:
            return
        closing = event["type"] == "CloseStream"
        if caller.plan.code == "mute" and not closing:
            return
        text = await caller.text()
        if text is None:
            return
        await caller.send(_results(text, is_final=True, from_finalize=not closing))
        if closing:
            await caller.send({"type": "Metadata", "request_id": "r", "duration": 0.0})
        caller.over()
        if closing:
            await caller.socket.close()


def _results(text: str, *, is_final: bool, from_finalize: bool = False) -> dict[str, Any]:
    alternatives = [{"transcript": text, "confidence": 0.9, "words": []}]
    return {
        "type": "Results",
        "channel_index": [0, 1],
        "duration": 1.0,
        "start": 0.0,
        "is_final": is_final,
        "speech_final": False,
        "from_finalize": from_finalize,
        "channel": {"alternatives": alternatives},
    }

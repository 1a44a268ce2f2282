"""A server that speaks ElevenLabs' streaming API."""

from __future__ import annotations

from typing import Any

import numpy as np
from aiohttp import web

from interaction.tests.standins import serving
from interaction.tests.standins.openai import SPEECH_PIECE, SPEECH_RATE, speech_of
from interaction.tests.standins.serving import Answer, Plan, pcm_as_wav


class Standin(serving.Standin):
    key_header = "xi-api-key"

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/v1/text-to-speech/{voice}/stream", self.serve("tts", self._speak)),
            web.get("/v1/models", self._models),
        ]

    def error(self, plan: Plan, key: str) -> dict[str, Any]:
        return {"detail": {"status": plan.code or "error", "message": f"Wrong: {key}"}}

    async def _speak(self, answer: Answer) -> None:
        body = answer.received.body = await answer.request.json()
        body |= {"voice": answer.request.match_info["voice"], **answer.request.query}
        pcm = speech_of(body["text"] if answer.plan.text is None else answer.plan.text)
        if answer.plan.fault == "whole":
            file = pcm_as_wav(np.frombuffer(pcm, dtype="<i2"), SPEECH_RATE)
            answer.response = web.Response(body=file, content_type="audio/wav")
            return
        ends = range(0, len(pcm), SPEECH_PIECE)
        await answer.pieces("audio/pcm", [pcm[at : at + SPEECH_PIECE] for at in ends])

    async def _models(self, request: web.Request) -> web.Response:
        return web.json_response([])

"""A server that speaks OpenAI's HTTP protocol, and fails as it is told to.

It answers ``POST /v1/audio/transcriptions``, ``/v1/chat/completions``, ``/v1/audio/speech`` and
``GET /v1/models``, all three stages streaming. In a test's own loop::

    async with Standin() as server:
        config = ProviderConfig("openai", model="any", base_url=server.url, api_key="key")
        server.script("llm", text="Fine.", first_after=0.2)      # from now on
        server.next("tts", fault="cut")                          # the next request only
        ...
        assert server.connections == 1

or as a process of its own, ``python -m interaction.tests.standins.openai --port N`` (0: any),
which prints its address as the first line (with ``--until-eof`` it ends when its standard input
does, so that it does not outlive who started it) and is scripted over HTTP:

    PATCH  /_script   {"llm": {"always": {"text": "Fine."}, "next": [{"fault": "cut"}]}, …}
    POST   /_release  let everything go that is held
    DELETE /_script   everything as at the start, the log empty
    GET    /_log      {"connections": 2, "requests": [{"stage", "connection", "ended", …}]}

A plan (see ``Plan``) says what one request gets. ``always`` replaces the stage's standing plan;
each of ``next`` serves one request, in order, before the standing one.

Without a scripted text, what comes back can be told from what went in, so that one caller's words
in another's answer are noticed:

- a transcript names the steady tone in the audio: ``caller 2500`` for 2500 Hz (``mark`` mixes one
  into speech; the detector of speech still hears the speech), ``hello there`` where there is none;
- the language model answers ``You said: …``;
- speech is a tone (``pitch_of(text)``): as many Hz as the first number in the text, if it has one.

So a caller marked with 2500 Hz hears 2500 Hz.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import re
import sys
import zlib
from typing import Any

import numpy as np
import soundfile
from aiohttp import web

from interaction.tests.standins import serving
from interaction.tests.standins.serving import Answer, argument_pieces, deltas_of, pcm_as_wav

SPEECH_RATE = 24_000
SPEECH_PIECE = 2 * SPEECH_RATE // 10
TONES = (1_000, 7_000)
TONE_STEP = 50


class Standin(serving.Standin):
    path = "/v1"

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/v1/audio/transcriptions", self.serve("stt", self._transcribe)),
            web.post("/v1/chat/completions", self.serve("llm", self._complete)),
            web.post("/v1/audio/speech", self.serve("tts", self._speak)),
            web.get("/v1/models", self._models),
            web.get("/v1/realtime", self._realtime),
            web.patch("/_script", self._patch),
            web.post("/_release", self._release),
            web.delete("/_script", self._delete),
            web.get("/_log", self._log),
        ]

    async def _transcribe(self, answer: Answer) -> None:
        form = await answer.request.post()
        upload = form["file"]
        assert isinstance(upload, web.FileField)
        with upload.file as file:
            samples, rate = soundfile.read(io.BytesIO(file.read()), dtype="float32")
        answer.received.seconds = len(samples) / rate
        answer.received.body = {key: value for key, value in form.items() if key != "file"}
        text = answer.plan.text
        if text is None:
            text = transcript_of(samples, rate)
        if form.get("stream") != "true" or answer.plan.fault == "whole":
            await answer.whole({"text": text})
            return
        pieces = deltas_of(answer.plan, text)
        deltas = [{"type": "transcript.text.delta", "delta": piece} for piece in pieces]
        done = {"type": "transcript.text.done", "text": text}
        await answer.events([*deltas, done])

    async def _complete(self, answer: Answer) -> None:
        body = answer.received.body = await answer.request.json()
        last = body["messages"][-1]
        text = answer.plan.text
        plan = answer.plan
        calls = plan.calls if plan.again or last["role"] != "tool" else ()
        if text is None:
            text = "" if calls else f"You said: {last['content'].rstrip('.')}."
        if not body.get("stream") or answer.plan.fault == "whole":
            message = {"role": "assistant", "content": text}
            await answer.whole({"object": "chat.completion", "choices": [{"message": message}]})
            return
        most = body.get("max_completion_tokens")
        pieces = deltas_of(plan, text)
        deltas: list[dict[str, Any]] = [{"content": piece} for piece in pieces[:most]]
        end = "length" if len(deltas) < len(pieces) else "stop"
        for index, call in enumerate(calls):
            deltas += _call(index, call)
        ends = {"index": 0, "delta": {}, "finish_reason": "tool_calls" if calls else end}
        choices = [*({"index": 0, "delta": delta} for delta in deltas), ends]
        frame = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "standin"}
        chunks = [{**frame, "choices": [choice]} for choice in choices]
        if body.get("stream_options", {}).get("include_usage"):
            written = sum(len(line["content"] or "") for line in body["messages"])
            counts = (written // 4 + 1, len(deltas))
            usage = {"prompt_tokens": counts[0], "completion_tokens": counts[1]}
            chunks.append({**frame, "choices": [], "usage": {**usage, "total_tokens": sum(counts)}})
        await answer.events(chunks, done=True)

    async def _speak(self, answer: Answer) -> None:
        body = answer.received.body = await answer.request.json()
        pcm = speech_of(body["input"] if answer.plan.text is None else answer.plan.text)
        if answer.plan.fault == "whole":
            file = pcm_as_wav(np.frombuffer(pcm, dtype="<i2"), SPEECH_RATE)
            answer.response = web.Response(body=file, content_type="audio/wav")
            return
        ends = range(0, len(pcm), SPEECH_PIECE)
        await answer.pieces("audio/pcm", [pcm[at : at + SPEECH_PIECE] for at in ends])

    async def _models(self, request: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [{"id": "standin", "object": "model"}]})

    async def _realtime(self, request: web.Request) -> web.Response:
        """Of that there is a stand-in of its own; here it is always out of order."""
        raise web.HTTPServiceUnavailable

    async def _patch(self, request: web.Request) -> web.Response:
        for stage, plans in (await request.json()).items():
            if "always" in plans:
                self.script(stage, **plans["always"])
            for plan in plans.get("next", ()):
                self.next(stage, **plan)
        return web.Response(status=204)

    async def _release(self, request: web.Request) -> web.Response:
        self.release()
        return web.Response(status=204)

    async def _delete(self, request: web.Request) -> web.Response:
        self.reset()
        return web.Response(status=204)

    async def _log(self, request: web.Request) -> web.Response:
        return web.json_response(self.log())


def _call(index: int, call: dict[str, Any]) -> list[dict[str, Any]]:
    """A tool call as it is streamed: what it is, then its arguments in pieces."""
    pieces: list[dict[str, Any]] = [
        {"id": f"call_{index}", "type": "function", "function": {"name": call["name"]}},
        *({"function": {"arguments": piece}} for piece in argument_pieces(call)),
    ]
    return [{"tool_calls": [{"index": index, **piece}]} for piece in pieces]


def transcript_of(samples: Any, rate: int) -> str:
    """``caller N`` for a steady tone of N Hz in the audio, else ``hello there``."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    hertz = np.fft.rfftfreq(len(samples), 1 / rate)
    band = (hertz >= TONES[0]) & (hertz <= TONES[1])
    if not band.any() or spectrum[band].max() < 100 * (np.median(spectrum[band]) + 1e-3):
        return "hello there"
    loudest = float(hertz[band][spectrum[band].argmax()])
    return f"caller {round(loudest / TONE_STEP) * TONE_STEP}"


def mark(pcm: bytes, rate: int, hz: int) -> bytes:
    """Mix a steady tone into speech (mono s16le), for ``transcript_of`` to find again."""
    samples = np.frombuffer(pcm, dtype="<i2").astype(np.float32)
    tone = 1_600 * np.sin(2 * np.pi * hz * np.arange(len(samples)) / rate)
    return bytes(np.clip(samples * 0.8 + tone, -32768, 32767).astype("<i2"))


def pitch_of(text: str) -> int:
    """Hz of the tone that this text is spoken as."""
    found = re.search(r"\d+", text)
    if found and TONES[0] <= int(found[0]) <= TONES[1]:
        return int(found[0])
    return 300 + zlib.crc32(text.encode()) % 70 * 10


def speech_of(text: str) -> bytes:
    """A quarter of a second for each word: mono s16le at ``SPEECH_RATE``."""
    times = np.arange(SPEECH_RATE // 4 * max(1, len(text.split()))) / SPEECH_RATE
    return bytes((8_000 * np.sin(2 * np.pi * pitch_of(text) * times)).astype("<i2"))


async def _main(port: int, *, until_eof: bool) -> None:
    async with Standin(port) as server:
        print(server.url, flush=True)  # noqa: T201
        if until_eof:
            await asyncio.to_thread(sys.stdin.read)
        else:
            await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--until-eof", action="store_true")
    arguments = parser.parse_args()
    asyncio.run(_main(arguments.port, until_eof=arguments.until_eof))

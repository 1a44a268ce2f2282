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
import json
import re
import sys
import zlib
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self

import numpy as np
import soundfile
from aiohttp import web

Stage = Literal["stt", "llm", "tts"]
STAGES: tuple[Stage, ...] = ("stt", "llm", "tts")
SPEECH_RATE = 24_000
SPEECH_PIECE = 2 * SPEECH_RATE // 10
TONES = (1_000, 7_000)
TONE_STEP = 50


@dataclass(frozen=True)
class Plan:
    """What a request gets. Times in seconds."""

    text: str | None = None
    """The transcript, the reply; for speech, it is spoken instead of the input."""
    first_after: float = 0
    pause: float = 0
    """Between two pieces."""
    status: int = 200
    code: str = ""
    """``error.code`` of an answer that is not 200, or of the fault ``error``."""
    retry_after: str = ""
    fault: Literal["", "hang", "stall", "cut", "garbage", "error", "whole"] = ""
    """``hang``: no answer. ``stall``, ``cut``, ``garbage``, ``error``: after the first piece it
    stops, closes the connection, sends what cannot be parsed, or an error event. ``whole``: it
    does not stream, and answers JSON (stt, llm), or a WAV file (tts)."""


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


class Standin:
    def __init__(self, port: int = 0) -> None:
        self._port = port
        self.url = ""
        self.reset()
        self._sockets: dict[Any, int] = {}
        self._arrival = asyncio.Event()
        self._runner = web.AppRunner(self._app(), handler_cancellation=True, shutdown_timeout=0.1)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    def reset(self) -> None:
        self.requests: list[Received] = []
        self._seen: set[int] = set()
        self._always: dict[Stage, Plan] = dict.fromkeys(STAGES, Plan())
        self._next: dict[Stage, deque[Plan]] = {stage: deque() for stage in STAGES}

    def script(self, stage: Stage, **plan: Any) -> None:
        """Serve every request of a stage by this plan, from now on."""
        self._always[stage] = Plan(**plan)

    def next(self, stage: Stage, **plan: Any) -> None:
        """Serve one request by this plan, after those that were already asked for."""
        self._next[stage].append(Plan(**plan))

    async def arrived(self, count: int) -> None:
        """Wait until this many requests of the stages have come."""
        while len(self.requests) < count:
            self._arrival.clear()
            await self._arrival.wait()

    @property
    def connections(self) -> int:
        """Distinct sockets that brought a request of a stage."""
        return len(self._seen)

    def _app(self) -> web.Application:
        app = web.Application(client_max_size=1 << 26)
        app.router.add_post("/v1/audio/transcriptions", self._serve("stt", self._transcribe))
        app.router.add_post("/v1/chat/completions", self._serve("llm", self._complete))
        app.router.add_post("/v1/audio/speech", self._serve("tts", self._speak))
        app.router.add_get("/v1/models", self._models)
        app.router.add_patch("/_script", self._patch)
        app.router.add_delete("/_script", self._delete)
        app.router.add_get("/_log", self._log)
        return app

    def _serve(
        self, stage: Stage, answer: Callable[[Answer], Awaitable[None]]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def serve(request: web.Request) -> web.StreamResponse:
            received = Received(
                stage, self._socket(request), request.headers.get("Authorization", "")
            )
            self.requests.append(received)
            self._arrival.set()
            queue = self._next[stage]
            plan = queue.popleft() if queue else self._always[stage]
            answering = Answer(request, plan, received)
            received.ended = "abandoned"
            await answering.begin()
            if answering.response is None:
                await answer(answering)
            assert answering.response is not None
            received.ended = "failed" if plan.fault or plan.status != 200 else "answered"
            return answering.response

        return serve

    def _socket(self, request: web.Request) -> int:
        assert request.transport
        peer = request.transport.get_extra_info("peername")
        number = self._sockets.setdefault(peer, len(self._sockets) + 1)
        self._seen.add(number)
        return number

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
        deltas = [{"type": "transcript.text.delta", "delta": word} for word in _words(text)]
        done = {"type": "transcript.text.done", "text": text}
        await answer.events([*deltas, done])

    async def _complete(self, answer: Answer) -> None:
        body = answer.received.body = await answer.request.json()
        text = answer.plan.text
        if text is None:
            text = f"You said: {body['messages'][-1]['content'].rstrip('.')}."
        if not body.get("stream") or answer.plan.fault == "whole":
            message = {"role": "assistant", "content": text}
            await answer.whole({"object": "chat.completion", "choices": [{"message": message}]})
            return
        choices = [{"index": 0, "delta": {"content": word}} for word in _words(text)]
        ends = {"index": 0, "delta": {}, "finish_reason": "stop"}
        frame = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "standin"}
        chunks = [{**frame, "choices": [choice]} for choice in [*choices, ends]]
        if body.get("stream_options", {}).get("include_usage"):
            usage = {"prompt_tokens": 1, "completion_tokens": len(choices), "total_tokens": 2}
            chunks.append({**frame, "choices": [], "usage": usage})
        await answer.events(chunks, done=True)

    async def _speak(self, answer: Answer) -> None:
        body = answer.received.body = await answer.request.json()
        pcm = speech_of(body["input"] if answer.plan.text is None else answer.plan.text)
        if answer.plan.fault == "whole":
            file = io.BytesIO()
            soundfile.write(file, np.frombuffer(pcm, dtype="<i2"), SPEECH_RATE, format="WAV")
            answer.response = web.Response(body=file.getvalue(), content_type="audio/wav")
            return
        ends = range(0, len(pcm), SPEECH_PIECE)
        await answer.pieces("audio/pcm", [pcm[at : at + SPEECH_PIECE] for at in ends])

    async def _models(self, request: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [{"id": "standin", "object": "model"}]})

    async def _patch(self, request: web.Request) -> web.Response:
        for stage, plans in (await request.json()).items():
            if "always" in plans:
                self.script(stage, **plans["always"])
            for plan in plans.get("next", ()):
                self.next(stage, **plan)
        return web.Response(status=204)

    async def _delete(self, request: web.Request) -> web.Response:
        self.reset()
        return web.Response(status=204)

    async def _log(self, request: web.Request) -> web.Response:
        requests = [asdict(received) for received in self.requests]
        return web.json_response({"connections": self.connections, "requests": requests})


class Answer:
    """Sends what a plan says, in pieces, as late and as wrong as it says."""

    def __init__(self, request: web.Request, plan: Plan, received: Received) -> None:
        self.request = request
        self.plan = plan
        self.received = received
        self.response: web.StreamResponse | None = None

    async def begin(self) -> None:
        if self.plan.fault == "hang":
            await asyncio.Event().wait()
        await asyncio.sleep(self.plan.first_after)
        if self.plan.status != 200:
            # The message quotes what was sent, as servers do: it must not get any further.
            key = self.received.authorization
            error = {"message": f"Wrong: {key}", "code": self.plan.code or None, "type": "error"}
            headers = {"Retry-After": self.plan.retry_after} if self.plan.retry_after else {}
            self.response = web.json_response(
                {"error": error}, status=self.plan.status, headers=headers
            )

    async def whole(self, body: dict[str, Any]) -> None:
        self.response = web.json_response(body)

    async def events(self, events: list[dict[str, Any]], *, done: bool = False) -> None:
        pieces = [f"data: {json.dumps(event)}\n\n".encode() for event in events]
        await self.pieces("text/event-stream", [*pieces, *([b"data: [DONE]\n\n"] if done else [])])

    async def pieces(self, content_type: str, pieces: list[bytes]) -> None:
        response = web.StreamResponse(headers={"Content-Type": content_type})
        await response.prepare(self.request)
        for number, piece in enumerate(self._faulty(pieces)):
            if number:
                await asyncio.sleep(self.plan.pause)
            await response.write(piece)
        if self.plan.fault == "stall":
            await asyncio.Event().wait()
        if self.plan.fault == "cut" and self.request.transport:
            self.request.transport.close()
        else:
            await response.write_eof()
        self.response = response

    def _faulty(self, pieces: list[bytes]) -> Iterator[bytes]:
        if self.plan.fault in ("", "whole"):
            yield from pieces
            return
        yield pieces[0]
        if self.plan.fault == "garbage":
            yield b"data: {]\n\n"
        elif self.plan.fault == "error":
            error = {"message": "Wrong", "code": self.plan.code or None}
            yield f"data: {json.dumps({'error': error})}\n\n".encode()


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


def _words(text: str) -> list[str]:
    return re.findall(r"\s*\S+", text) or [""]


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

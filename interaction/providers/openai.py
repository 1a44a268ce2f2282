"""The three stages over OpenAI's HTTP API, or whatever else speaks it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, ClassVar

from openai import omit
from openai.types.audio import TranscriptionTextDeltaEvent, TranscriptionTextDoneEvent

from interaction.audio import wav
from interaction.core.signals import HEARING_RATE, Message
from interaction.providers.base import Flush, ProviderConfig, Transcript
from interaction.providers.http import Blame, Pace, Shared

if TYPE_CHECKING:
    from openai import AsyncOpenAI

LEAST_AUDIO = 2 * HEARING_RATE // 10
"""Bytes, 100 ms: servers refuse what is shorter, and there is no word in it."""
STALL = 5.0
NOT_PCM = (b"RIFF", b"ID3", b"OggS", b"fLaC", b"{", b"<")


class _Stage:
    """One stage's requests. ``first`` and ``stall`` are its deadlines, in seconds."""

    stage: ClassVar[str]
    first: ClassVar[float]

    def __init__(
        self, config: ProviderConfig, *, first: float | None = None, stall: float = STALL
    ) -> None:
        self._config = config
        self._first = self.first if first is None else first
        self._stall = stall
        self._blame = Blame(self.stage, config.name)
        self._shared: Shared | None = None

    async def warm(self) -> None:
        """Have a connection open before somebody waits for it."""
        # What is wrong with it will be said when it matters.
        with contextlib.suppress(Exception):
            await self._client.models.list(timeout=self._stall)

    async def aclose(self) -> None:
        if self._shared:
            shared, self._shared = self._shared, None
            await shared.leave()

    @property
    def _client(self) -> AsyncOpenAI:
        if not self._shared:
            self._shared = Shared.join(self._config)
        return self._shared.client

    @contextlib.asynccontextmanager
    async def _asked(
        self, request: contextlib.AbstractAsyncContextManager[Any]
    ) -> AsyncIterator[tuple[Any, Pace]]:
        """The answer's beginning within the deadline, and the pace to read the rest at."""
        pace = Pace(self._first, self._stall)
        async with contextlib.AsyncExitStack() as stack:
            with self._blame(begun=False):
                async with pace.next():
                    response = await stack.enter_async_context(request)
            with self._blame(begun=True):
                yield response, pace


class SpeechToText(_Stage):
    """Uploads the utterance at its end, or at a flush. Partials where the server streams them."""

    stage = "stt"
    first = 10.0

    async def transcribe(self, audio: AsyncIterator[bytes | Flush]) -> AsyncIterator[Transcript]:
        heard = bytearray()
        transcript, fresh = Transcript("", final=True), True
        async for piece in audio:
            if isinstance(piece, Flush):
                async with aclosing(self._recognise(bytes(heard))) as transcripts:
                    async for transcript in transcripts:
                        yield transcript
                fresh = True
            else:
                heard += piece
                fresh = False
        if fresh:
            yield transcript
            return
        async with aclosing(self._recognise(bytes(heard))) as transcripts:
            async for transcript in transcripts:
                yield transcript

    async def _recognise(self, pcm: bytes) -> AsyncGenerator[Transcript]:
        if len(pcm) < LEAST_AUDIO:
            yield Transcript("", final=True)
            return
        request = self._client.audio.transcriptions.with_streaming_response.create(
            file=("speech.wav", wav.wrap(pcm, HEARING_RATE), "audio/wav"),
            model=self._config.model,
            language=self._config.language.split("-")[0] or omit,
            stream=True,
        )
        async with self._asked(request) as (response, pace):
            if "text/event-stream" in response.headers.get("content-type", ""):
                events = self._heard(aiter(await response.parse()), pace)
            else:
                # Servers without streaming ignore the wish for it and answer in one piece.
                events = self._read(response, pace)
            async with aclosing(events) as transcripts:
                async for transcript in transcripts:
                    yield transcript

    async def _heard(self, events: AsyncIterator[Any], pace: Pace) -> AsyncGenerator[Transcript]:
        text = ""
        done = None
        async for event in pace.over(events):
            if isinstance(event, TranscriptionTextDeltaEvent) and isinstance(event.delta, str):
                text += event.delta
                yield Transcript(text, final=False)
            elif isinstance(event, TranscriptionTextDoneEvent) and isinstance(event.text, str):
                done = Transcript(event.text.strip(), final=True)
        if not done:
            raise self._blame.protocol("broke off in the middle of its answer")
        yield done

    async def _read(self, response: Any, pace: Pace) -> AsyncGenerator[Transcript]:
        async with pace.next():
            body = await response.read()
        text = body.decode()
        if not response.headers.get("content-type", "").startswith("text/plain"):
            answer = json.loads(text)
            text = answer.get("text") if isinstance(answer, dict) else None
        if not isinstance(text, str):
            raise self._blame.protocol("gave an answer that cannot be understood")
        yield Transcript(text.strip(), final=True)


class LanguageModel(_Stage):
    """Streams the reply's text as the model writes it."""

    stage = "llm"
    first = 8.0

    async def complete(self, messages: Sequence[Message]) -> AsyncIterator[str]:
        lines: Any = [{"role": line.role, "content": line.content} for line in messages]
        request = self._client.chat.completions.with_streaming_response.create(
            model=self._config.model,
            messages=lines,
            stream=True,
            stream_options={"include_usage": True},
        )
        async with self._asked(request) as (response, pace):
            if "text/event-stream" not in response.headers.get("content-type", ""):
                raise self._blame.protocol("did not stream its answer")
            finished = False
            try:
                async for chunk in pace.over(aiter(await response.parse())):
                    for choice in self._choices(chunk):
                        finished = finished or bool(choice.finish_reason)
                        if text := choice.delta.content or choice.delta.refusal:
                            yield text
            except TimeoutError:
                # What may come after the end (usage, [DONE]) is not worth failing for.
                if not finished:
                    raise
            if not finished:
                raise self._blame.protocol("broke off in the middle of its answer")

    def _choices(self, chunk: Any) -> list[Any]:
        """The SDK does not check what it parses: a missing delta would come up as a bug of ours."""
        choices = getattr(chunk, "choices", None)
        if not isinstance(choices, list) or any(
            not isinstance(getattr(getattr(choice, "delta", None), "content", None), str | None)
            or choice.delta is None
            for choice in choices
        ):
            raise self._blame.protocol("gave an answer that cannot be understood")
        return choices


class TextToSpeech(_Stage):
    """Streams raw PCM. It carries no rate, so the configuration says it."""

    stage = "tts"
    first = 6.0

    def __init__(
        self, config: ProviderConfig, *, first: float | None = None, stall: float = STALL
    ) -> None:
        super().__init__(config, first=first, stall=stall)
        self.sample_rate = config.sample_rate

    async def synthesize(self, text: str) -> AsyncIterator[bytes]:
        if not text.strip():
            return
        request = self._client.audio.speech.with_streaming_response.create(
            model=self._config.model,
            voice=self._config.voice,
            input=text,
            response_format="pcm",
        )
        async with self._asked(request) as (response, pace):
            rest, begun = b"", False
            async for piece in pace.over(aiter(response.iter_bytes())):
                if not begun and (rest + piece).startswith(NOT_PCM):
                    raise self._blame.protocol("sent something else than raw PCM")
                pcm = rest + piece
                whole = len(pcm) & ~1
                pcm, rest = pcm[:whole], pcm[whole:]
                begun = begun or bool(pcm)
                if pcm:
                    yield pcm
            if not begun:
                raise self._blame.protocol("sent no audio")

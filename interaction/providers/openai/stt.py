"""Speech recognition by upload, over OpenAI's HTTP API or whatever else speaks it."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from functools import partial
from typing import Any

from openai.types.audio import TranscriptionTextDeltaEvent, TranscriptionTextDoneEvent

from interaction.audio import wav
from interaction.core.types import INPUT_SAMPLE_RATE
from interaction.providers._shared.answer_deadlines import AnswerDeadlines
from interaction.providers._shared.valid_text import ValidTextStream, valid_text
from interaction.providers.openai.client import OpenAIStage
from interaction.providers.stage_protocols import Flush, Transcript

LEAST_AUDIO = 2 * INPUT_SAMPLE_RATE // 10
"""Bytes, 100 ms: servers refuse what is shorter, and there is no word in it."""


class SpeechToText(OpenAIStage):
    """Uploads the utterance at its end, or at a flush. Partials where the server streams them."""

    stage = "stt"
    first = 10.0

    async def transcribe(self, audio: AsyncIterator[bytes | Flush]) -> AsyncIterator[Transcript]:
        received = bytearray()
        transcript, up_to_date = Transcript("", final=True), True
        async for piece in audio:
            if isinstance(piece, Flush):
                async with aclosing(self._transcribe(bytes(received))) as transcripts:
                    async for transcript in transcripts:
                        yield transcript
                up_to_date = True
            else:
                received += piece
                up_to_date = False
        if up_to_date:
            yield transcript
            return
        async with aclosing(self._transcribe(bytes(received))) as transcripts:
            async for transcript in transcripts:
                yield transcript

    async def _transcribe(self, pcm: bytes) -> AsyncGenerator[Transcript]:
        if len(pcm) < LEAST_AUDIO:
            yield Transcript("", final=True)
            return
        ask = partial(
            self._client.audio.transcriptions.with_streaming_response.create,
            file=("speech.wav", wav.wrap(pcm, INPUT_SAMPLE_RATE), "audio/wav"),
            model=self._config.model,
        )
        optional: dict[str, Any] = {"stream": True}
        if self._config.language:
            optional["language"] = self._config.language.split("-")[0]
        async with self._answer(self._asking(ask, optional)) as (response, deadlines):
            if "text/event-stream" in response.headers.get("content-type", ""):
                events = self._streamed(aiter(await response.parse()), deadlines)
            else:
                # Servers without streaming ignore the wish for it and answer in one piece.
                events = self._whole(response, deadlines)
            async with aclosing(events) as transcripts:
                async for transcript in transcripts:
                    yield transcript

    async def _streamed(
        self, events: AsyncIterator[Any], deadlines: AnswerDeadlines
    ) -> AsyncGenerator[Transcript]:
        stream, done = ValidTextStream(), None
        async for event in deadlines.limit(events):
            if isinstance(event, TranscriptionTextDeltaEvent) and isinstance(event.delta, str):
                stream.feed(event.delta)
                yield Transcript(stream.text, final=False)
            elif isinstance(event, TranscriptionTextDoneEvent) and isinstance(event.text, str):
                done = Transcript(valid_text(event.text.strip()), final=True)
        if not done:
            raise self._errors.broken_off()
        yield done

    async def _whole(self, response: Any, deadlines: AnswerDeadlines) -> AsyncGenerator[Transcript]:
        async with deadlines.next_piece():
            body = await response.read()
        text = body.decode()
        if not response.headers.get("content-type", "").startswith("text/plain"):
            answer = json.loads(text)
            text = answer.get("text") if isinstance(answer, dict) else None
        if not isinstance(text, str):
            raise self._errors.unintelligible()
        yield Transcript(valid_text(text.strip()), final=True)

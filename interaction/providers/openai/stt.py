"""Speech recognition by upload, over OpenAI's HTTP API or whatever else speaks it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from functools import partial
from typing import Any

from interaction.audio import wav
from interaction.core.types import INPUT_SAMPLE_RATE
from interaction.providers._shared.transcript_answers import TranscriptAnswer
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
            answer = TranscriptAnswer(self._errors, response.headers.get("content-type", ""))
            # Servers without streaming ignore the wish for it and answer in one piece.
            async for line in deadlines.limit(aiter(response.iter_lines())):
                if (text := answer.feed(line)) is not None:
                    yield Transcript(text, final=False)
                if answer.ended:
                    break
            yield Transcript(answer.finish(), final=True)

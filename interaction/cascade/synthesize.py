"""The TTS stage: one sentence of a reply becomes audio on that sentence's stream."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

from django.utils.translation import gettext as _

from interaction.audio.resample import Resampler
from interaction.bus import redis_keys
from interaction.bus.audio_streams import Kind, StreamWriter
from interaction.cascade.provider_fallback import Attempt, FallbackChain
from interaction.cascade.sentence_speakers import find_speakers
from interaction.cascade.stage import StageGaveUp, StageRun
from interaction.cascade.synthesis_pacing import PlaybackTimeline, SynthesisPacing
from interaction.core.languages import language_of
from interaction.core.types import OUTPUT_SAMPLE_RATE
from interaction.credentials.language_support import language_name
from interaction.providers.stage_protocols import TextToSpeech

DEADLINE = 900.0
"""Seconds for the whole run, which lasts until the sentence's end is about to play."""
BYTES_WITHIN = 10.0
"""Seconds from a piece of the provider's audio to the next."""
SECOND = 2 * OUTPUT_SAMPLE_RATE
"""Bytes of a second of a reply."""
PIECE = SECOND // 1000 * 80
"""Bytes of a piece, 80 ms; the first one goes as it comes."""


async def synthesize(run: StageRun, text: str) -> None:
    assert run.request.reply_id is not None
    synthesis = _Synthesis(run, text)
    speakers = find_speakers(text, run.request.spec.tts)
    if not speakers:
        raise StageGaveUp("language_not_spoken", _nobody_speaks(text), retryable=False)
    if speakers == run.request.spec.tts:
        voice_key = redis_keys.reply_voice(run.request.reply_id)
        chain = FallbackChain(run, "tts", voice_key=voice_key)
    else:  # a sentence in another language has a voice of its own
        chain = FallbackChain(run, "tts", choices=speakers)
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(chain.run(synthesis.run))
            await _write(run, synthesis.audio)
    except ExceptionGroup as group:
        raise group.exceptions[0] from None


def _nobody_speaks(text: str) -> str:
    return _("No voice here speaks %(language)s, in which the answer is written.") % {
        "language": language_name(language_of(text, ""))
    }


class _Synthesis:
    """Collects the sentence's audio as fast as the provider makes it, whatever playback does."""

    def __init__(self, run: StageRun, text: str) -> None:
        self._run = run
        self._text = text
        self._started_at = time.monotonic()
        self.audio: asyncio.Queue[bytes | None] = asyncio.Queue()
        """Mono s16le at ``OUTPUT_SAMPLE_RATE``; None after the last piece."""

    async def run(self, tts: TextToSpeech, attempt: Attempt) -> None:
        resampler = Resampler(tts.sample_rate, OUTPUT_SAMPLE_RATE)
        loop = asyncio.get_running_loop()
        attempt.expect_output()
        attempt.call.ask()
        async with (
            asyncio.timeout(attempt.first_output_within) as limit,
            contextlib.aclosing(tts.synthesize(self._text)) as pieces,  # type: ignore[type-var]
        ):
            async for pcm in pieces:
                attempt.call.on_result()
                is_first = not attempt.has_output
                await attempt.output_started()
                self.audio.put_nowait(resampler.feed(pcm))
                if is_first and self._run.request.index == 0:
                    await self._run.emit_metric("tts_ttfb", self._started_at)
                limit.reschedule(loop.time() + BYTES_WITHIN)
        self.audio.put_nowait(resampler.finish())
        self.audio.put_nowait(None)


async def _write(run: StageRun, audio: asyncio.Queue[bytes | None]) -> None:
    """Append the sentence to its stream, a little ahead of its playing."""
    request = run.request
    reply, sentence = request.reply_id, request.index
    assert reply is not None
    pacing = SynthesisPacing(PlaybackTimeline(run.redis, reply), sentence, run.hurry)
    key = redis_keys.sentence_audio(reply, sentence)
    session, turn = request.spec.session_id, request.turn_id
    writer = StreamWriter(run.redis, key, session, turn, reply, sentence)
    written = 0
    async for piece in _pieces(audio):
        await pacing.wait_until_due(written / SECOND)
        await writer.append(Kind.AUDIO, piece)
        written += len(piece)
    await writer.append(Kind.LAST, b"")
    await pacing.finish(written / SECOND)


async def _pieces(audio: asyncio.Queue[bytes | None]) -> AsyncIterator[bytes]:
    """The first piece goes as it comes, so that the voice starts early; the rest evenly."""
    waiting, least = b"", 2
    while (pcm := await audio.get()) is not None:
        waiting += pcm
        while len(waiting) >= least:
            yield waiting[:PIECE]
            waiting, least = waiting[PIECE:], PIECE
    if waiting:
        yield waiting

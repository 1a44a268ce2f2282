"""The TTS stage: one sentence of a reply becomes audio on that sentence's stream."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from uuid import UUID

from interaction.audio.resample import Resampler
from interaction.bus.audio_streams import Kind, StreamWriter, sentence_key
from interaction.cascade.provider_fallback import Attempt, FallbackChain
from interaction.cascade.stage import StageRun
from interaction.cascade.synthesis_pacing import SynthesisPacing, Timeline
from interaction.core.types import OUTPUT_SAMPLE_RATE
from interaction.providers.stage_protocols import TextToSpeech

DEADLINE = 900.0
"""For the whole run, which lasts until the sentence's end is about to play."""
BYTES_WITHIN = 10.0
SECOND = 2 * OUTPUT_SAMPLE_RATE
"""Bytes of a second of a reply."""
PIECE = SECOND // 1000 * 80
"""Bytes of a piece, 80 ms; the first one goes as it comes."""


def voice_key(reply: UUID) -> str:
    """Where the sentences of a reply agree on who speaks, if not the first choice."""
    return f"parley:reply:{reply}:voice"


async def synthesize(run: StageRun, text: str) -> None:
    assert run.ticket.reply_id is not None
    reading = _Reading(run, text)
    chain = FallbackChain(run, "tts", voice=voice_key(run.ticket.reply_id))
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(chain.through(reading.take))
            await _write(run, reading.speech)
    except ExceptionGroup as group:
        raise group.exceptions[0] from None


class _Reading:
    """Takes the sentence from a provider at its own speed: playback does not keep it waiting."""

    def __init__(self, run: StageRun, text: str) -> None:
        self._run = run
        self._text = text
        self._began_at = time.monotonic()
        self.speech: asyncio.Queue[bytes | None] = asyncio.Queue()

    async def take(self, tts: TextToSpeech, attempt: Attempt) -> None:
        resampler = Resampler(tts.sample_rate, OUTPUT_SAMPLE_RATE)
        loop = asyncio.get_running_loop()
        attempt.expect()
        async with (
            asyncio.timeout(attempt.first) as limit,
            contextlib.aclosing(tts.synthesize(self._text)) as audio,  # type: ignore[type-var]
        ):
            async for pcm in audio:
                first = not attempt.begun
                await attempt.output()
                self.speech.put_nowait(resampler.feed(pcm))
                if first and self._run.ticket.n == 0:
                    await self._run.measure("tts_ttfb", self._began_at)
                limit.reschedule(loop.time() + BYTES_WITHIN)
        self.speech.put_nowait(resampler.finish())
        self.speech.put_nowait(None)


async def _write(run: StageRun, speech: asyncio.Queue[bytes | None]) -> None:
    """Append the sentence to its stream, a little ahead of its playing."""
    ticket = run.ticket
    assert ticket.reply_id is not None
    pace = SynthesisPacing(Timeline(run.redis, ticket.reply_id), ticket.n, run.hurry)
    key = sentence_key(ticket.reply_id, ticket.n)
    whose = (ticket.spec.session_id, ticket.turn_id, ticket.reply_id)
    writer = StreamWriter(run.redis, key, *whose, ticket.n)
    written = 0
    async for piece in _pieces(speech):
        await pace.wait(written / SECOND)
        await writer.append(Kind.AUDIO, piece)
        written += len(piece)
    await writer.append(Kind.LAST, b"")
    await pace.finish(written / SECOND)


async def _pieces(speech: asyncio.Queue[bytes | None]) -> AsyncIterator[bytes]:
    """The first piece goes as it comes, so that the voice starts early; the rest evenly."""
    waiting, least = b"", 2
    while (pcm := await speech.get()) is not None:
        waiting += pcm
        while len(waiting) >= least:
            yield waiting[:PIECE]
            waiting, least = waiting[PIECE:], PIECE
    if waiting:
        yield waiting

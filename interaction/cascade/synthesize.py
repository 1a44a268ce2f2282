"""The TTS stage: one sentence of a reply becomes audio on that sentence's stream."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

from interaction.audio.resample import Resampler
from interaction.cascade.pace import Pace, Timeline
from interaction.cascade.providers import provider
from interaction.cascade.stage import StageRun
from interaction.cascade.streams import Kind, Writer, sentence_key
from interaction.core.signals import SPEAKING_RATE
from interaction.providers.base import TextToSpeech

DEADLINE = 900.0
"""For the whole run, which lasts until the sentence's end is about to play."""
FIRST_BYTE_WITHIN = 20.0
BYTES_WITHIN = 15.0
SECOND = 2 * SPEAKING_RATE
"""Bytes of a second of a reply."""
PIECE = SECOND // 1000 * 80
"""Bytes of a piece, 80 ms; the first one goes as it comes."""


async def synthesize(run: StageRun, text: str) -> None:
    choice = run.ticket.spec.tts[0]
    run.provider = choice.name
    speech: asyncio.Queue[bytes | None] = asyncio.Queue()
    try:
        async with (
            provider("tts", choice, run.ticket.spec.owner_id) as tts,
            asyncio.TaskGroup() as tasks,
        ):
            tasks.create_task(_read(run, tts, text, speech))
            await _write(run, speech)
    except ExceptionGroup as group:
        raise group.exceptions[0] from None


async def _read(
    run: StageRun, tts: TextToSpeech, text: str, speech: asyncio.Queue[bytes | None]
) -> None:
    """Take the sentence from the provider at its own speed: it is not kept waiting by playback."""
    resampler = Resampler(tts.sample_rate, SPEAKING_RATE)
    began_at, measured = time.monotonic(), run.ticket.n > 0
    loop = asyncio.get_running_loop()
    async with (
        asyncio.timeout(FIRST_BYTE_WITHIN) as limit,
        contextlib.aclosing(tts.synthesize(text)) as audio,  # type: ignore[type-var]
    ):
        async for pcm in audio:
            limit.reschedule(loop.time() + BYTES_WITHIN)
            speech.put_nowait(resampler.feed(pcm))
            if not measured:
                measured = True
                await run.measure("tts_ttfb", began_at)
    speech.put_nowait(resampler.finish())
    speech.put_nowait(None)


async def _write(run: StageRun, speech: asyncio.Queue[bytes | None]) -> None:
    """Append the sentence to its stream, a little ahead of its playing."""
    ticket = run.ticket
    assert ticket.reply_id is not None
    pace = Pace(Timeline(run.redis, ticket.reply_id), ticket.n, run.hurry)
    key = sentence_key(ticket.reply_id, ticket.n)
    whose = (ticket.spec.session_id, ticket.turn_id, ticket.reply_id)
    writer = Writer(run.redis, key, *whose, ticket.n)
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

"""Local recognition, by real engine processes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import wave
from collections.abc import AsyncIterator, Callable, Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import cast

import jiwer
import psutil
import pytest
import pytest_asyncio

from interaction.audio import wav
from interaction.audio.resample import Resampler
from interaction.providers.config import ProviderConfig
from interaction.providers.errors import ProviderRateLimited, ProviderUnavailable
from interaction.providers.local._shared.engine_processes import ROOT, Pool
from interaction.providers.local.pocketsphinx import engine as engine_module
from interaction.providers.local.pocketsphinx.stt import SpeechToText
from interaction.providers.stage_protocols import FLUSH, Flush, Transcript
from voiceproject.testing.plugin import require

PARIS = "what is the weather like in paris today"
Spoken = Callable[[str], wav.Sound]

# Charles Dickens, A Tale of Two Cities (1859), its first words.
TWO_CITIES = (
    "it was the best of times it was the worst of times it was the age of wisdom it was the age of"
    " foolishness it was the epoch of belief it was the epoch of incredulity it was the season of"
    " light it was the season of darkness"
)

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.usefixtures("processes"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stt() -> AsyncIterator[SpeechToText]:
    """Shared by the tests, as it is by the utterances of a worker."""
    stt = SpeechToText(ProviderConfig("pocketsphinx"))
    await stt.warm()
    yield stt
    await stt.aclose()


async def pieces(pcm: bytes, size: int = 640) -> AsyncIterator[bytes]:
    for start in range(0, len(pcm), size):
        yield pcm[start : start + size]


async def given(*items: bytes | Flush) -> AsyncIterator[bytes | Flush]:
    for item in items:
        yield item


async def transcripts_of(
    stt: SpeechToText, audio: AsyncIterator[bytes | Flush]
) -> list[Transcript]:
    return [transcript async for transcript in stt.transcribe(audio)]


async def text_of(stt: SpeechToText, pcm: bytes) -> str:
    return (await transcripts_of(stt, pieces(pcm)))[-1].text


async def test_partials_grow_into_the_exact_sentence(stt: SpeechToText, spoken: Spoken) -> None:
    *partials, final = await transcripts_of(stt, pieces(spoken(PARIS).pcm))

    assert final == Transcript(PARIS, final=True)
    texts = [partial.text for partial in partials]
    assert all(not partial.final for partial in partials)
    assert len(set(texts)) > 3


async def test_whoever_talks_for_long_is_understood_to_the_end(
    stt: SpeechToText, spoken: Spoken
) -> None:
    pcm = spoken(PARIS).pcm + bytes(16_000)
    assert 8 * len(pcm) > engine_module.SEGMENT * engine_module.PIECE
    assert await text_of(stt, 8 * pcm) == " ".join(8 * [PARIS])


async def test_how_the_audio_is_cut_makes_no_difference(stt: SpeechToText, spoken: Spoken) -> None:
    pcm = spoken("my name is john").pcm
    whole, *others = [
        await transcripts_of(stt, pieces(pcm, size)) for size in (len(pcm), 34, 4_998)
    ]

    assert whole[-1].text == "my name is john"
    assert others == [whole, whole]


async def test_one_utterance_leaves_nothing_behind_for_the_next(
    stt: SpeechToText, spoken: Spoken
) -> None:
    pcm = spoken(PARIS).pcm
    before = await transcripts_of(stt, pieces(pcm))
    for _ in range(engine_module.MOST_DECODERS):
        await asyncio.gather(*(text_of(stt, noise) for noise in [os.urandom(64_000)] * 2))
    await text_of(stt, spoken("good morning").pcm)

    assert await transcripts_of(stt, pieces(pcm)) == before


@pytest.mark.parametrize("rate", [44_100, 48_000])
async def test_the_rate_of_the_source_makes_no_difference(
    stt: SpeechToText, spoken: Spoken, rate: int
) -> None:
    there, back = Resampler(16_000, rate), Resampler(rate, 16_000)
    source = there.feed(spoken(PARIS).pcm) + there.finish()
    assert await text_of(stt, back.feed(source) + back.finish()) == PARIS


async def test_telephone_audio_is_understood(stt: SpeechToText, spoken: Spoken) -> None:
    there, back = Resampler(16_000, 8_000), Resampler(8_000, 16_000)
    source = there.feed(spoken(PARIS).pcm) + there.finish()
    assert await text_of(stt, back.feed(source) + back.finish()) == PARIS


@pytest.mark.parametrize(("seconds", "words"), [(13.2, 36), (17.1, 48)])
async def test_read_prose_is_understood_for_the_most_part(
    stt: SpeechToText, seconds: float, words: int
) -> None:
    package = find_spec("moonshine_voice")
    require(package, "moonshine-voice")
    assert package is not None
    assert package.origin
    with wave.open(str(Path(package.origin).parent / "assets" / "two_cities.wav")) as file:
        rate = file.getframerate()
        pcm = file.readframes(int(rate * seconds))
    resampler = Resampler(rate, 16_000)

    text = await text_of(stt, resampler.feed(pcm) + resampler.finish())

    expected = " ".join(TWO_CITIES.split()[:words])
    assert jiwer.wer(expected, text) <= 0.2


async def test_a_flush_gives_a_final_and_the_utterance_goes_on(
    stt: SpeechToText, spoken: Spoken
) -> None:
    pause = bytes(9_600)
    first, second = spoken("my name is john").pcm, spoken("what is my name").pcm

    transcripts = await transcripts_of(stt, given(first, pause, FLUSH, pause, second))

    finals = [transcript.text for transcript in transcripts if transcript.final]
    assert finals == ["my name is john", "my name is john what is my name"]


async def test_nothing_said_is_an_empty_final(stt: SpeechToText) -> None:
    assert await transcripts_of(stt, given()) == [Transcript("", final=True)]
    assert await text_of(stt, bytes(32_000)) == ""
    assert await transcripts_of(stt, given(FLUSH)) == [Transcript("", final=True)] * 2


async def test_many_talk_at_once_and_each_gets_their_own_words(
    stt: SpeechToText, spoken: Spoken
) -> None:
    """More than there are decoders: the others wait, and lose nothing."""
    sentences = [PARIS, "my name is john", "what is my name", "good morning"]
    at_once = sentences * (engine_module.MOST_DECODERS * SpeechToText.processes // 2)

    texts = await asyncio.gather(*(text_of(stt, spoken(text).pcm) for text in at_once))

    assert texts == at_once


async def test_turning_away_is_said(stt: SpeechToText) -> None:
    at_once = SpeechToText.processes * (engine_module.MOST_DECODERS + engine_module.MOST_WAITING)
    open_ended = asyncio.Event()

    async def holding() -> AsyncIterator[bytes]:
        await open_ended.wait()
        yield b""

    tasks = [asyncio.create_task(transcripts_of(stt, holding())) for _ in range(at_once + 1)]
    done, waiting = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)

    with pytest.raises(ProviderRateLimited, match="at once"):
        done.pop().result()
    open_ended.set()
    assert {tuple(await task) for task in waiting} == {(Transcript("", final=True),)}


async def test_cancelling_frees_the_decoders(stt: SpeechToText, spoken: Spoken) -> None:
    pcm = spoken(PARIS).pcm
    begun = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield pcm
            begun.set()
            await asyncio.Event().wait()

    slots = engine_module.MOST_DECODERS * SpeechToText.processes
    for _ in range(2):
        tasks = [asyncio.create_task(transcripts_of(stt, endless())) for _ in range(slots)]
        await begun.wait()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    assert await text_of(stt, pcm) == PARIS


async def test_what_goes_wrong_with_the_audio_comes_up(stt: SpeechToText) -> None:
    async def breaking() -> AsyncIterator[bytes]:
        yield bytes(3_200)
        raise LookupError("the stream of audio")

    with pytest.raises(LookupError):
        await transcripts_of(stt, breaking())


async def test_a_killed_engine_costs_its_utterances_and_comes_back(
    stt: SpeechToText, spoken: Spoken
) -> None:
    killed = asyncio.Event()

    async def talking() -> AsyncIterator[bytes]:
        yield spoken(PARIS).pcm
        for engine in _pool(stt).engines:
            assert engine.pid
            os.kill(engine.pid, signal.SIGKILL)
        killed.set()
        await asyncio.Event().wait()

    with pytest.raises(ProviderUnavailable) as caught:
        await transcripts_of(stt, talking())

    assert killed.is_set()
    assert (caught.value.stage, caught.value.retryable) == ("stt", True)
    assert await text_of(stt, spoken(PARIS).pcm) == PARIS


async def test_providers_share_their_engines_and_the_last_one_closes_them() -> None:
    async def inner() -> None:
        one, other = (SpeechToText(ProviderConfig("pocketsphinx", voice=v)) for v in "ab")
        await one.warm()
        await other.warm()
        assert _pool(one) is _pool(other)
        processes = [psutil.Process(engine.pid) for engine in _pool(one).engines]
        await one.aclose()
        assert all(process.is_running() for process in processes)
        await other.aclose()
        assert not any(process.is_running() for process in processes)

    # On a loop of its own: this one's pool has the fixture as a member.
    await asyncio.to_thread(asyncio.run, inner())


def _pool(stt: SpeechToText) -> Pool:
    return cast("Pool", stt._pool)


KILLED = """
import asyncio, os, signal
from interaction.providers.config import ProviderConfig
from interaction.providers.local.pocketsphinx import engine as engine_module
from interaction.providers.local.pocketsphinx.stt import SpeechToText

async def main():
    stt = SpeechToText(ProviderConfig("pocketsphinx"))
    await stt.warm()
    print(*(engine.pid for engine in stt._pool.engines), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


async def test_a_killed_worker_leaves_no_engine_behind() -> None:
    worker = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", KILLED], stdout=subprocess.PIPE, cwd=ROOT
    )
    pids = [int(pid) for pid in worker.stdout.split()]

    assert len(pids) == SpeechToText.processes
    assert not await asyncio.to_thread(_still_there, pids)


def _still_there(pids: Iterable[int]) -> list[psutil.Process]:
    processes = []
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess):
            processes.append(psutil.Process(pid))
    return list(psutil.wait_procs(processes, timeout=10)[1])

"""Local speech, by a real engine process."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any, cast

import numpy as np
import pytest

from interaction.audio.resample import Resampler
from interaction.audio.vad import FRAME_BYTES, SpeechDetector
from interaction.core.languages import primary
from interaction.providers.config import ProviderConfig
from interaction.providers.errors import ProviderRefused, ProviderUnavailable
from interaction.providers.local.espeak import ENGLISH, LANGUAGES, PROVIDER, VOICES
from interaction.providers.local.espeak.tts import TextToSpeech

TEXT = "Hello, this is the demo agent. What is your name?"
LONG = "It was the best of times, it was the worst of times. " * 200

Speaker = Callable[..., TextToSpeech]


@pytest.fixture
async def speaker(processes: None) -> AsyncIterator[Speaker]:
    made = []

    def make(voice: str = "") -> TextToSpeech:
        made.append(TextToSpeech(ProviderConfig("espeak", voice=voice)))
        return made[-1]

    yield make
    for tts in made:
        await tts.aclose()


async def speech_of(tts: TextToSpeech, text: str) -> bytes:
    pieces = [pcm async for pcm in tts.synthesize(text)]
    assert all(pcm and len(pcm) % 2 == 0 for pcm in pieces)
    return b"".join(pieces)


def seconds(pcm: bytes) -> float:
    return len(pcm) / 2 / TextToSpeech.sample_rate


def test_the_table_knows_the_voices() -> None:
    assert set(PROVIDER.stages[0].capabilities.voices) == set(VOICES)


def test_every_language_has_a_voice_of_its_own() -> None:
    entry = PROVIDER.stages[0]
    for language in LANGUAGES:
        voice = entry.voice_for(language)
        assert primary(voice) == primary(language)


async def test_every_voice_is_there(speaker: Speaker) -> None:
    for voice in VOICES:
        assert await speech_of(speaker(voice=voice), "1, 2, 3."), voice


@pytest.mark.parametrize("voice", ENGLISH)
async def test_every_english_voice_speaks_loud_enough_and_is_not_clipped(
    speaker: Speaker, voice: str
) -> None:
    pcm = await speech_of(speaker(voice=voice), TEXT)

    samples = np.frombuffer(pcm, dtype="<i2").astype(float)
    assert 2 < seconds(pcm) < 8
    assert np.sqrt(np.mean(samples**2)) > 1_500
    assert np.mean(np.abs(samples) >= 32_767) < 0.001


async def test_what_it_says_is_speech(speaker: Speaker) -> None:
    resampler = Resampler(TextToSpeech.sample_rate, 16_000)
    pcm = resampler.feed(await speech_of(speaker(), TEXT)) + resampler.finish()
    detector = SpeechDetector()

    ends = range(FRAME_BYTES, len(pcm) + 1, FRAME_BYTES)
    heard = [detector.probability(pcm[end - FRAME_BYTES : end]) for end in ends]
    assert np.mean(np.array(heard) > 0.5) > 0.6


async def test_chinese_is_spoken_by_a_chinese_voice_whatever_was_chosen(speaker: Speaker) -> None:
    text = "你好，我是示範助理。"
    chosen = seconds(await speech_of(speaker(voice="cmn"), text))
    # An English voice would say "Chinese letter" ten times.
    assert seconds(await speech_of(speaker(voice="en-us"), text)) == pytest.approx(chosen, rel=0.05)


async def test_different_voices_sound_different(speaker: Speaker) -> None:
    american, british = [
        await speech_of(speaker(voice=voice), TEXT) for voice in ("en-us", "en-gb")
    ]
    assert len(american) != len(british)


async def test_a_voice_that_does_not_exist_is_refused(speaker: Speaker) -> None:
    with pytest.raises(ProviderRefused, match="en-us"):
        await speech_of(speaker(voice="nobody"), TEXT)


@pytest.mark.parametrize("text", ["", " ", "...", "😀", "<break time='9s'/>", "a\0b", "[[h@ll]]"])
async def test_no_text_is_too_odd(speaker: Speaker, text: str) -> None:
    assert seconds(await speech_of(speaker(), text)) < 5


async def test_stopping_in_the_middle_stops_the_synthesis(speaker: Speaker) -> None:
    tts = speaker()
    async with aclosing(cast("Any", tts.synthesize(LONG))) as pieces:
        async for _ in pieces:
            break

    # The engine speaks for one at a time: had it gone on, this would come after ten minutes' PCM.
    assert seconds(await speech_of(tts, "Yes.")) < 2


async def test_many_speak_at_once_and_each_says_their_own(speaker: Speaker) -> None:
    tts = speaker()
    texts = ["and on " * length for length in range(1, 13)]
    alone = [seconds(await speech_of(tts, text)) for text in texts]

    at_once = await asyncio.gather(*(speech_of(tts, text) for text in texts))

    assert list(map(seconds, at_once)) == pytest.approx(alone, abs=0.1)


async def test_a_killed_engine_costs_what_it_said_and_comes_back(speaker: Speaker) -> None:
    tts = speaker()
    with pytest.raises(ProviderUnavailable):
        async for _ in tts.synthesize(LONG * 20):
            if pid := cast("Any", tts)._pool.engines[0].pid:
                os.kill(pid, signal.SIGKILL)

    assert await speech_of(tts, "Yes.")

"""Natural English speech, by a real engine process."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from interaction.providers.config import ProviderConfig
from interaction.providers.errors import ProviderRefused, ProviderUnavailable
from interaction.providers.local.hibari import package, pieces
from interaction.providers.local.hibari.tts import TextToSpeech
from interaction.providers.registry import load

TEXT = "Hello, this is the demo agent. What is your name?"
LONG = "It was the best of times, it was the worst of times. " * 76
"""4,000 characters."""
ODD = [
    *(
        "",
        " ",
        "...",
        "?!",
        "--- *** ___",
        "😀",
        "👩‍👩‍👧‍👦",
        "\u200b",
        "\n\n",
        "$" * 500,
        "'" * 4_000,
    ),
    *(
        "a\0b",
        "<break time='9s'/>",
        "[[h@ll]]",
        "½ × ∞ $€£ #@%",
        "naïve café",
        "𝓗𝓮𝓵𝓵𝓸",
        "１２３",
        "Ⅷ",
    ),
    *("1" * 300, "1," * 120, "1-2-3-" * 40, "12:99:77 99/99/9999", "1/0 -5.5e10 1e999", "0x1F"),
    *("M" * 50, "a" * 4_000, "." * 4_000, "-" * 4_000, "http://a.b/c?d=e&f", "+1 (555) 010-9999"),
    *("$1,000,000.50", "3rd of 1999", "U.S.A. e.g. i.e.", "VII", "don't ’tis", "x²", "@", "C++"),
]


@pytest.fixture
async def speaker(processes: None) -> AsyncIterator[TextToSpeech]:
    tts = load("tts", ProviderConfig("hibari"))
    assert isinstance(tts, TextToSpeech)
    yield tts
    await tts.aclose()


async def speech_of(tts: TextToSpeech, text: str) -> bytes:
    heard = [pcm async for pcm in tts.synthesize(text)]
    assert all(pcm and len(pcm) % 2 == 0 for pcm in heard)
    return b"".join(heard)


def seconds(pcm: bytes) -> float:
    return len(pcm) / 2 / TextToSpeech.sample_rate


async def test_it_speaks_survives_odd_text_stops_when_told_and_comes_back(
    speaker: TextToSpeech,
) -> None:
    """One process for all of it: its start is what takes time."""
    await speaker.warm()
    pcm = await speech_of(speaker, TEXT)
    samples = np.frombuffer(pcm, dtype="<i2").astype(float)
    assert 2 < seconds(pcm) < 8
    assert np.sqrt(np.mean(samples**2)) > 1_000
    assert np.mean(np.abs(samples) >= 32_767) < 0.001

    # Nothing is too odd: silence, a few words, or so long as it is read out.
    for text in ODD:
        await speech_of(speaker, text)
    # What it cannot read it says it cannot, so that another one steps in.
    for text in ("你好", "مرحبا", "안녕하세요", "สวัสดี"):
        with pytest.raises(ProviderRefused):
            await speech_of(speaker, text)

    # A long text comes a sentence at a time, and no longer than somebody listens.
    async with aclosing(cast("Any", speaker.synthesize(LONG))) as spoken:
        async for piece in spoken:
            assert seconds(piece) < 6
            break
    short, shorter = await asyncio.gather(speech_of(speaker, "Yes."), speech_of(speaker, "No."))
    assert seconds(short) < 2 > seconds(shorter)

    with pytest.raises(ProviderUnavailable):
        async for _ in speaker.synthesize(LONG):
            if pid := cast("Any", speaker)._pool.engines[0].pid:
                os.kill(pid, signal.SIGKILL)
    assert await speech_of(speaker, "Yes.")


async def test_only_the_voice_of_the_package_is_spoken_with() -> None:
    with pytest.raises(ProviderRefused, match="heart"):
        await speech_of(TextToSpeech(ProviderConfig("hibari", voice="emma")), TEXT)


@pytest.mark.parametrize("text", [*ODD, LONG, "word " * 800])
def test_pieces_are_short_and_hold_every_word(text: str) -> None:
    readable = pieces.readable(text)
    cut = list(pieces.cut(readable))
    assert all(0 < len(piece) <= pieces.LONGEST for piece in cut)
    assert "".join("".join(cut).split()) == "".join(readable.split())
    assert max((len(word) for piece in cut for word in piece.split()), default=0) <= 60


def test_the_model_is_the_one_that_was_tried(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert package.missing_requirement("en") == ""
    other = tmp_path / "hibari.onnx"
    other.write_bytes(b"another model")
    monkeypatch.setattr(package, "model_path", lambda: other)
    assert package.missing_requirement() == "package"
    monkeypatch.setattr(package, "model_path", lambda: None)
    assert package.missing_requirement() == "package"

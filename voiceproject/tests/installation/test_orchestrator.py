"""Recordings of all kinds, posted to a whole installation on its local engines."""

from __future__ import annotations

import base64
import io
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from interaction.audio import wav
from voiceproject.testing.calling import Caller
from voiceproject.testing.plugin import program

WEATHER = "what is the weather like in paris today"

Spoken = Callable[[str], wav.Sound]
Sox = Callable[..., bytes]


@pytest.fixture
def sox(tmp_path: Path) -> Sox:
    """``sox(*words, then=…)``: the WAV file that ``sox words OUT then`` makes."""

    def make(*words: str | Path, then: str = "") -> bytes:
        out = tmp_path / "made.wav"
        subprocess.run([program("sox"), *map(str, words), out, *then.split()], check=True)
        return out.read_bytes()

    return make


@pytest.fixture
def question(tmp_path: Path, spoken: Spoken) -> Path:
    sound = spoken(WEATHER)
    path = tmp_path / "question.wav"
    path.write_bytes(wav.wrap(sound.pcm, sound.rate))
    return path


@pytest.mark.parametrize(
    "form", ["-r 16000", "-r 8000", "-r 44100", "-r 48000", "-c 2", "-e float -b 32", "-b 24"]
)
def test_a_recording_is_understood_whatever_its_form(
    caller: Caller, sox: Sox, question: Path, form: str
) -> None:
    status, answer = caller.upload(sox(question, *form.split()))
    assert (status, answer["transcript"]) == (200, WEATHER)
    assert answer["reply"] == f"You said: {WEATHER}"
    reply = wav.read(io.BytesIO(base64.b64decode(answer["audio"])), 60)
    assert len(reply.pcm) > reply.rate * 2, "more than a second"
    assert np.abs(np.frombuffer(reply.pcm, "<i2")).max() > 1_000


@pytest.mark.parametrize("noise", ["whitenoise", "pinknoise", "brownnoise"])
def test_noise_is_no_speech(caller: Caller, sox: Sox, noise: str) -> None:
    refused(caller, sox("-n", "-r", "16000", then=f"synth 3 {noise} vol 0.5"), 422, "no_speech")


def test_what_cannot_be_answered_is_said(caller: Caller, sox: Sox, question: Path) -> None:
    refused(caller, sox("-n", "-r", "16000", then="trim 0 3"), 422, "no_speech")
    refused(caller, b"", 400, "empty_audio")
    refused(caller, question.read_bytes()[:5_000], 400, "truncated_audio")
    hour_and_a_half = sox("-n", "-r", "8000", "-b", "8", then="trim 0 5400")
    refused(caller, hour_and_a_half, 413, "too_long")
    refused(caller, b"what is the weather like", 415, "unsupported_audio")


def test_what_a_browser_records_is_answered(caller: Caller, question: Path) -> None:
    webm = [program("ffmpeg"), "-loglevel", "error", "-i", str(question), "-f", "webm", "-"]
    status, answer = caller.upload(subprocess.run(webm, check=True, capture_output=True).stdout)
    assert status == 200, answer
    assert answer["transcript"]


def refused(caller: Caller, file: bytes, status: int, code: str) -> None:
    got, answer = caller.upload(file)
    assert (got, answer["error"]["code"]) == (status, code)
    assert answer["error"]["message"]

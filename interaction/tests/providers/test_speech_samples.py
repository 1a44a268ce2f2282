"""Nothing but raw PCM is ever played as samples: what else comes is decoded, or refused."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import AsyncIterator, Callable

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from interaction.audio.formats import format_of
from interaction.providers._shared.error_mapping import ErrorMapping
from interaction.providers._shared.pcm import refuse_other_audio, speech_samples
from interaction.providers.errors import ProviderProtocolError
from interaction.tests.audio.test_recordings import recorded

RATE = 24_000
TONE = (8_000 * np.sin(2 * np.pi * 440 * np.arange(RATE // 2) / RATE)).astype("<i2")
PCM = TONE.tobytes()
ERRORS = ErrorMapping("tts", "any")
NOISE = np.random.default_rng(1).integers(0, 256, 6_000, dtype=np.uint8).tobytes()
starts_processes = pytest.mark.usefixtures("processes")


async def pieces_of(body: bytes, size: int) -> AsyncIterator[bytes]:
    for at in range(0, len(body), size):
        yield body[at : at + size]


async def heard(body: bytes, kind: str = "", *, size: int = 1_000, rate: int = RATE) -> bytes:
    sound = b""
    async for pcm in speech_samples(pieces_of(body, size), ERRORS, rate, kind):
        assert pcm
        assert len(pcm) % 2 == 0
        sound += pcm
    return sound


def pitch(pcm: bytes, rate: int = RATE) -> float:
    samples = np.frombuffer(pcm, "<i2").astype(float)
    return float(np.abs(np.fft.rfft(samples)).argmax() * rate / len(samples))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 1_001, 1 << 20])
@pytest.mark.parametrize(
    "kind",
    ["", "audio/pcm", "application/octet-stream", "audio/pcm;rate=24000;bits=16", "audio/L16"],
)
async def test_raw_pcm_comes_as_it_is(kind: str, size: int) -> None:
    assert await heard(PCM, kind, size=size) == PCM


@pytest.mark.parametrize(
    "kind", ["audio/mpeg", "audio/wav", "audio/x-wav", "audio/ogg", "AUDIO/MP4"]
)
async def test_raw_pcm_under_another_name_is_raw_pcm(kind: str) -> None:
    assert await heard(PCM, kind) == PCM


@pytest.mark.parametrize(
    "start",
    [b"\xff\xff\xff\xff", b"\xff\xfb\xff\xfb", b"\xff\xf3\x00\x00", b"\xff\xf1\xfe\xff", b"\0\0"],
)
async def test_samples_near_minus_one_are_no_mp3(start: bytes) -> None:
    assert await heard(start + PCM, "audio/pcm") == start + PCM


async def test_the_last_half_of_a_sample_is_dropped() -> None:
    assert await heard(PCM + b"\1") == PCM


@pytest.mark.parametrize(("declared", "hertz"), [("16000", 660), ("48000", 220), ("24000", 440)])
async def test_a_rate_that_the_type_says_is_believed(declared: str, hertz: int) -> None:
    sound = await heard(PCM, f"audio/pcm; rate={declared}")
    # Of the same samples, another rate is another pitch.
    assert pitch(sound) == pytest.approx(440 * int(declared) / RATE, abs=5), hertz


def file_of(file_format: str, subtype: str | None = None, rate: int = RATE) -> bytes:
    file = io.BytesIO()
    times = np.arange(rate // 2) / rate
    tone = (8_000 * np.sin(2 * np.pi * 440 * times)).astype("<i2")
    soundfile.write(file, tone, rate, format=file_format, subtype=subtype)
    return file.getvalue()


def endless(content: bytes) -> bytes:
    """As a server writes a WAV that it streams."""
    at = content.index(b"data") + 4
    return content[:4] + b"\xff" * 4 + content[8:at] + b"\xff" * 4 + content[at + 4 :]


FILES: dict[str, Callable[[], bytes]] = {
    "MP3": lambda: file_of("MP3"),
    "MP3 of 44.1 kHz": lambda: file_of("MP3", rate=44_100),
    "MP3 with ID3": lambda: b"ID3\x04\0\0\0\0\0\x0a" + bytes(10) + file_of("MP3"),
    "WAV": lambda: file_of("WAV"),
    "WAV of 16 kHz": lambda: file_of("WAV", rate=16_000),
    "WAV of 48 kHz": lambda: file_of("WAV", rate=48_000),
    "WAV of floats": lambda: file_of("WAV", "FLOAT"),
    "WAV that is streamed": lambda: endless(file_of("WAV", rate=22_050)),
    "Ogg Vorbis": lambda: file_of("OGG"),
    "Ogg Opus": lambda: recorded("ogg", "libopus"),
    "WebM": lambda: recorded("webm", "libopus"),
    "FLAC": lambda: file_of("FLAC"),
    "AAC": lambda: recorded("adts", "aac", rate=24_000),
    "M4A": lambda: recorded("ipod", "aac", rate=24_000),
    "AIFF": lambda: file_of("AIFF"),
    "AU": lambda: file_of("AU"),
    "CAF": lambda: file_of("CAF"),
}


@starts_processes
@pytest.mark.parametrize("make", FILES.values(), ids=list(FILES))
async def test_what_can_be_decoded_is_decoded_whatever_its_type_says(
    make: Callable[[], bytes],
) -> None:
    sound = await heard(make(), "audio/pcm", size=1)
    assert pitch(sound) == pytest.approx(440, abs=6)
    assert 0.4 < len(sound) / 2 / RATE < 1.2


@starts_processes
async def test_mp3_that_starts_in_the_middle_of_a_frame_is_decoded() -> None:
    sound = await heard(file_of("MP3", rate=44_100)[150:], "audio/mpeg")
    assert pitch(sound) == pytest.approx(440, abs=6)


REFUSED = {
    "JSON": (b'{"error": "no such voice"}', "application/json"),
    "JSON as PCM": (json.dumps({"audio": "UklG"}).encode(), "audio/pcm"),
    "indented JSON": (b'\n\n  {\n "a": 1}', ""),
    "JSON list": (b"[1, 2, 3]", ""),
    "HTML": (b"<!doctype html><html></html>", "text/html"),
    "HTML as PCM": (b"<html><body>Bad gateway</body></html>", "audio/pcm"),
    "XML": (b'\xef\xbb\xbf<?xml version="1.0"?>', "audio/pcm"),
    "text": (b"Internal error", "text/plain"),
    "text as PCM": (b"upstream timed out", "audio/pcm"),
    "text type": (PCM, "text/plain; charset=utf-8"),
    "an event stream": (b'data: {"type": "speech.audio.delta"}\n\n', "text/event-stream"),
    "base64": (b"UklGRiQAAABXQVZFZm10IBAAAAABAAEA" * 4, "application/octet-stream"),
    "gzip": (gzip.compress(PCM), "audio/pcm"),
    "zip": (b"PK\x03\x04" + NOISE, ""),
    "PNG": (b"\x89PNG\r\n\x1a\n" + NOISE, "image/png"),
    "PDF": (b"%PDF-1.7" + NOISE, ""),
    "WMA": (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11" + NOISE, "audio/pcm"),
    "AVI": (b"RIFF\0\0\0\0AVI " + NOISE, "audio/pcm"),
    "a playlist": (b"#EXTM3U\nhttp://localhost/\n", "audio/mpegurl"),
    "noise without a type": (NOISE, ""),
    "noise of octets": (NOISE, "application/octet-stream"),
    "noise as WAV": (NOISE, "audio/wav"),
    "noise as Ogg": (NOISE, "audio/ogg"),
    "µ-law": (PCM, "audio/basic"),
    "µ-law of calls": (PCM, "audio/PCMU;rate=8000"),
    "A-law": (PCM, "audio/pcma"),
    "raw Opus": (PCM, "audio/opus"),
    "24 bits": (PCM, "audio/L24;rate=24000"),
    "stereo": (PCM, "audio/pcm;rate=24000;channels=2"),
    "an image's type": (PCM, "image/jpeg"),
    "floats": ((TONE / 32768).astype("<f4").tobytes(), "application/octet-stream"),
    "the other byte order": (
        (TONE + np.random.default_rng(2).integers(-90, 90, len(TONE))).astype(">i2").tobytes(),
        "application/octet-stream",
    ),
    "nothing": (b"", "audio/pcm"),
    "half a sample": (b"\1", "audio/pcm"),
}


@pytest.mark.parametrize(("body", "kind"), REFUSED.values(), ids=list(REFUSED))
@pytest.mark.parametrize("size", [1, 4_096])
async def test_what_is_no_sound_is_refused_before_any_of_it_is_played(
    body: bytes, kind: str, size: int
) -> None:
    played = b""
    with pytest.raises(ProviderProtocolError):
        async for pcm in speech_samples(pieces_of(body, size), ERRORS, RATE, kind):
            played += pcm
    assert played == b""


@starts_processes
@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"OggS" + NOISE, "audio/ogg"),
        (b"fLaC" + NOISE, "audio/flac"),
        (b"ID3" + NOISE, "audio/mpeg"),
        (b"\x1aE\xdf\xa3" + NOISE, "audio/webm"),
        (file_of("WAV")[:44], "audio/wav"),
    ],
)
async def test_what_only_seems_to_be_a_format_is_refused(body: bytes, kind: str) -> None:
    with pytest.raises(ProviderProtocolError):
        await heard(body, kind)


@starts_processes
async def test_an_answer_that_breaks_off_while_it_is_decoded_says_so() -> None:
    async def breaking() -> AsyncIterator[bytes]:
        yield file_of("MP3")[:2_000]
        raise ConnectionResetError

    with pytest.raises((ConnectionResetError, ProviderProtocolError)):
        async for _pcm in speech_samples(breaking(), ERRORS, RATE, "audio/mpeg"):
            pass


@pytest.mark.parametrize("start", [PCM, bytes(100), b"\xff\xff" * 20])
def test_raw_pcm_of_a_realtime_provider_passes(start: bytes) -> None:
    refuse_other_audio(start, ERRORS)


@pytest.mark.parametrize("make", [FILES["WAV"], FILES["MP3"], FILES["Ogg Opus"], FILES["FLAC"]])
def test_files_of_a_realtime_provider_are_refused(make: Callable[[], bytes]) -> None:
    with pytest.raises(ProviderProtocolError):
        refuse_other_audio(make(), ERRORS)


@given(st.binary(max_size=200))
def test_any_bytes_have_a_format_or_none(content: bytes) -> None:
    assert format_of(content) is None or isinstance(format_of(content), str)

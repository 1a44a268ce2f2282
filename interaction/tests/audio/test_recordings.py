"""Recordings as people's programs make them: headers that are wrong, channels, other formats."""

from __future__ import annotations

import asyncio
import io
import struct
from collections.abc import Callable
from typing import Any

import av
import numpy as np
import psutil
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interaction.audio import decoding, recordings, wav
from interaction.audio.formats import format_of, is_text
from interaction.audio.sound import AudioRejected, Sound

starts_processes = pytest.mark.usefixtures("processes")

RATE = 16_000
TONE = (8_000 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)).astype("<i2")
PCM = TONE.tobytes()
LIST = b"INFOISFT\x01\0\0\0x"
"""A chunk's body of odd length."""


def read(content: bytes, max_seconds: float = 10) -> Sound:
    return asyncio.run(recordings.read(io.BytesIO(content), max_seconds))


def refusal(content: bytes, max_seconds: float = 10) -> tuple[int, str]:
    with pytest.raises(AudioRejected) as caught:
        read(content, max_seconds)
    assert caught.value.message
    return caught.value.status, caught.value.code


def chunk(name: bytes, body: bytes, length: int | None = None, *, pad: bool = True) -> bytes:
    size = len(body) if length is None else length
    return name + struct.pack("<I", size) + body + (b"\0" if pad and len(body) % 2 else b"")


def fmt(
    tag: int = 1, channels: int = 1, rate: int = RATE, bits: int = 16, block: Any = None
) -> bytes:
    block = channels * bits // 8 if block is None else block
    return struct.pack("<HHIIHH", tag, channels, rate, rate * block, block, bits)


def extensible(tag: int, channels: int, bits: int, valid: int) -> bytes:
    guid = struct.pack("<H", tag) + bytes.fromhex("000000001000800000aa00389b71")
    return fmt(0xFFFE, channels, RATE, bits) + struct.pack("<HHI", 22, valid, 0) + guid


def riff(*chunks: bytes, size: int | None = None, kind: bytes = b"RIFF") -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return kind + struct.pack("<I", len(body) if size is None else size) + body


FMT = chunk(b"fmt ", fmt())
DATA = chunk(b"data", PCM)
WHOLE = riff(FMT, DATA)

WRONG_HEADERS = {
    "sizes of a recorder that was killed": riff(FMT, chunk(b"data", PCM, 0), size=36),
    "no sizes at all": riff(FMT, chunk(b"data", PCM, 0), size=0),
    "no size of the sound": riff(FMT, chunk(b"data", PCM, 0)),
    "endless": riff(FMT, chunk(b"data", PCM, 0xFFFFFFFF), size=0xFFFFFFFF),
    "endless sound": riff(FMT, chunk(b"data", PCM, 0xFFFFFFFF)),
    "ffmpeg to a pipe": riff(FMT, chunk(b"data", PCM, 0xFFFFFFFF), size=0xFFFFFFFF),
    "sox to a pipe": riff(FMT, chunk(b"data", PCM, 0x7FFFF000), size=0x7FFFF024),
    "signed most": riff(FMT, chunk(b"data", PCM, 0x7FFFFFFF), size=0x7FFFFFFF),
    "half of endless": riff(FMT, chunk(b"data", PCM, 0x80000000), size=0),
    "8 too long": riff(FMT, chunk(b"data", PCM, len(PCM) + 8)),
    "44 too long, both": riff(FMT, chunk(b"data", PCM, len(PCM) + 44), size=len(PCM) + 80),
    "counts the header": riff(FMT, chunk(b"data", PCM, len(PCM) + 44)),
    "a page too long": riff(FMT, chunk(b"data", PCM, len(PCM) + 4_096)),
    "twice as long": riff(FMT, chunk(b"data", PCM, 2 * len(PCM))),
    "one byte too long": riff(FMT, chunk(b"data", PCM, len(PCM) + 1)),
    "file's size 0": riff(FMT, DATA, size=0),
    "file's size of the data": riff(FMT, DATA, size=len(PCM)),
    "file's size too long": riff(FMT, DATA, size=10**6),
    "size of long ago": riff(FMT, chunk(b"data", PCM, 3_200), size=3_236),
    "odd LIST": riff(FMT, chunk(b"LIST", LIST), DATA),
    "odd LIST, unpadded": riff(FMT, chunk(b"LIST", LIST, pad=False), DATA),
    "odd LIST first, unpadded": riff(chunk(b"LIST", LIST, pad=False), FMT, DATA),
    "two odd chunks, unpadded": riff(
        FMT, chunk(b"LIST", LIST, pad=False), chunk(b"bext", b"xyz", pad=False), DATA
    ),
    "LIST behind": riff(FMT, DATA, chunk(b"LIST", LIST)),
    "LIST with a wrong length": riff(FMT, chunk(b"LIST", LIST, 5_000_000), DATA),
    "LIST that is too short": riff(FMT, chunk(b"LIST", LIST + bytes(9), 3), DATA),
    "unknown chunk": riff(FMT, chunk(b"abcd", b"12345678"), DATA),
    "big JUNK": riff(chunk(b"JUNK", bytes(5_000)), FMT, DATA),
    "fact": riff(FMT, chunk(b"fact", struct.pack("<I", RATE)), DATA),
    "wrong fact": riff(FMT, chunk(b"fact", struct.pack("<I", 7)), DATA),
    "data before fmt": riff(DATA, FMT),
    "empty data first": riff(FMT, chunk(b"data", b""), DATA),
    "two files": WHOLE + WHOLE,
    "two files, the first of a killed recorder": riff(FMT, chunk(b"data", PCM, 0), size=36) + WHOLE,
    "junk behind": WHOLE + b"junk that nobody asked for",
    "a tag behind": WHOLE + b"TAG" + bytes(125),
    "zeros behind": WHOLE + bytes(1_000),
    "an odd byte behind": WHOLE + b"\0",
    "half a sample": riff(FMT, chunk(b"data", PCM + b"\1")),
    "block of 0": riff(chunk(b"fmt ", fmt(block=0)), DATA),
    "wrong block": riff(chunk(b"fmt ", fmt(block=4)), DATA),
    "no bits": riff(chunk(b"fmt ", fmt()[:14] + b"\0\0"), DATA),
    "fmt of 14 bytes": riff(chunk(b"fmt ", fmt()[:14]), DATA),
    "fmt of 18 bytes": riff(chunk(b"fmt ", fmt() + b"\0\0"), DATA),
    "fmt of 40 bytes": riff(chunk(b"fmt ", fmt() + bytes(24)), DATA),
    "extensible": riff(chunk(b"fmt ", extensible(1, 1, 16, 16)), DATA),
    "RF64": riff(
        chunk(b"ds64", struct.pack("<QQQI", len(PCM) + 80, len(PCM), RATE, 0)),
        FMT,
        chunk(b"data", PCM, 0xFFFFFFFF),
        size=0xFFFFFFFF,
        kind=b"RF64",
    ),
    "BW64": riff(FMT, chunk(b"data", PCM, 0xFFFFFFFF), size=0xFFFFFFFF, kind=b"BW64"),
}


@pytest.mark.parametrize("content", WRONG_HEADERS.values(), ids=list(WRONG_HEADERS))
def test_the_sound_in_a_wav_is_heard_whatever_its_header_says(content: bytes) -> None:
    sound = read(content)
    assert sound.rate == RATE
    # A few bytes behind it may be taken for sound where nothing says how long it is.
    assert sound.pcm[: len(PCM)] == PCM
    assert len(sound.pcm) - len(PCM) < 100


@starts_processes
@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 400, "empty_audio"),
        (riff(FMT, chunk(b"data", b"")), 400, "empty_audio"),
        (riff(FMT, chunk(b"data", b""), chunk(b"LIST", LIST)), 400, "empty_audio"),
        (riff(FMT, chunk(b"data", b"", 0xFFFFFFFF)), 400, "empty_audio"),
        (riff(FMT, chunk(b"data", b"\1")), 400, "empty_audio"),
        (b"RIF", 400, "truncated_audio"),
        (WHOLE[:20], 400, "truncated_audio"),
        (WHOLE[:40], 400, "truncated_audio"),
        (WHOLE[: len(WHOLE) // 2], 400, "truncated_audio"),
        (WHOLE[:-2_000], 400, "truncated_audio"),
        (riff(FMT), 400, "truncated_audio"),
        (riff(DATA), 400, "corrupt_audio"),
        (riff(chunk(b"fmt ", fmt(channels=0, block=2)), DATA), 400, "corrupt_audio"),
        (riff(chunk(b"fmt ", fmt(rate=0)), DATA), 400, "corrupt_audio"),
        (riff(chunk(b"fmt ", fmt(rate=50)), DATA), 400, "unsupported_rate"),
        (riff(chunk(b"fmt ", fmt(rate=4_000_000)), DATA), 400, "unsupported_rate"),
        (riff(FMT, chunk(b"data", PCM * 11)), 413, "too_long"),
        (riff(FMT, DATA, kind=b"LIST"), 415, "unsupported_audio"),
        (b"RIFF\x10\0\0\0AVI " + bytes(40), 415, "unsupported_audio"),
        (b"hello", 415, "unsupported_audio"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), 415, "unsupported_audio"),
        (b"PK\x03\x04" + bytes(100), 415, "unsupported_audio"),
        (b"#EXTM3U\n/etc/passwd\n", 415, "unsupported_audio"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", 415, "unsupported_audio"),
        (b'{"audio": ""}', 415, "unsupported_audio"),
        (bytes(1_000), 415, "unsupported_audio"),
        (PCM, 415, "unsupported_audio"),
        (b"\xff\xfb\x90\x00" + bytes(400), 415, "unsupported_audio"),
        (b"OggS" + bytes(400), 400, "corrupt_audio"),
        (b"\x1aE\xdf\xa3" + bytes(400), 400, "corrupt_audio"),
        (b"\0\0\0\x18ftypM4A " + bytes(400), 400, "corrupt_audio"),
    ],
)
def test_a_refusal_names_its_cause(content: bytes, status: int, code: str) -> None:
    assert refusal(content) == (status, code)


def encoded(samples: Any, file_format: str, subtype: str | None = None, rate: int = RATE) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=file_format, subtype=subtype)
    return file.getvalue()


SUBTYPES = ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW"]


@pytest.mark.parametrize("channels", [1, 2, 3, 6, 17])
@pytest.mark.parametrize("kind", ["WAV", "WAVEX", "RF64"])
@pytest.mark.parametrize("subtype", SUBTYPES)
def test_every_usual_encoding_and_number_of_channels_is_read(
    subtype: str, kind: str, channels: int
) -> None:
    samples = np.repeat(TONE[:1_600, None] / 32768, channels, axis=1)
    sound = read(encoded(samples, kind, subtype))
    assert sound.rate == RATE
    heard = np.frombuffer(sound.pcm, "<i2").astype(int)
    assert np.abs(heard - TONE[:1_600]).max() < 700


def test_a_wav_of_the_other_byte_order_is_read() -> None:
    content = encoded(TONE, "WAV", "PCM_16")
    swapped = soundfile.SoundFile(
        file := io.BytesIO(), "w", RATE, 1, format="WAV", subtype="PCM_16", endian="BIG"
    )
    with swapped:
        swapped.write(TONE)
    assert file.getvalue()[:4] == b"RIFX"
    assert read(file.getvalue()).pcm == read(content).pcm


@starts_processes
@pytest.mark.parametrize("subtype", ["IMA_ADPCM", "MS_ADPCM", "GSM610"])
def test_a_wav_of_a_rare_encoding_is_read(subtype: str) -> None:
    sound = read(encoded(TONE, "WAV", subtype, 8_000))
    assert sound.seconds == pytest.approx(2, abs=0.1)


SILENCE = np.zeros(RATE)
VOICE = TONE / 32768


@pytest.mark.parametrize(
    ("channels", "level"),
    [
        ([VOICE, -VOICE], 1.0),
        ([VOICE, -0.95 * VOICE], 1.0),
        ([VOICE, SILENCE], 1.0),
        ([SILENCE, VOICE], 1.0),
        ([VOICE, 0.01 * VOICE], 1.0),
        ([VOICE, VOICE], 1.0),
        ([VOICE, SILENCE + 0.5], 1.0),
        ([SILENCE, SILENCE, VOICE, SILENCE, SILENCE, SILENCE], 1.0),
        ([VOICE, -VOICE, VOICE, -VOICE], 1.0),
        ([VOICE, 0.5 * VOICE], 0.75),
    ],
)
def test_no_mix_loses_what_stands_in_a_channel(channels: list[Any], level: float) -> None:
    sound = read(encoded(np.stack(channels, axis=1) * 0.9, "WAV", "FLOAT"))
    heard = np.frombuffer(sound.pcm, "<i2").astype(float)
    assert np.std(heard) == pytest.approx(0.9 * level * np.std(TONE.astype(float)), rel=0.02)


def test_both_sides_of_a_call_are_heard() -> None:
    first = np.concatenate([VOICE, SILENCE])
    second = np.concatenate([SILENCE, 0.7 * VOICE])
    heard = np.frombuffer(read(encoded(np.stack([first, second], 1), "WAV")).pcm, "<i2")
    assert np.std(heard[:RATE].astype(float)) > 2_000
    assert np.std(heard[RATE:].astype(float)) > 1_500


def recorded(container: str, codec: str, *, rate: int = 48_000, channels: int = 1) -> bytes:
    """A second of the tone, as FFmpeg's encoders write it."""
    file = io.BytesIO()
    layout = {1: "mono", 2: "stereo"}[channels]
    with av.open(file, "w", format=container) as output:
        stream: Any = output.add_stream(codec, rate=rate, layout=layout)
        tone = 0.25 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate).astype(np.float32)
        resampler = av.AudioResampler(stream.format, layout, rate, frame_size=960)
        frame = av.AudioFrame.from_ndarray(tone[None, :], format="fltp", layout="mono")
        frame.sample_rate = rate
        for resampled in [*resampler.resample(frame), *resampler.resample(None)]:
            output.mux(stream.encode(resampled))
        output.mux(stream.encode(None))
    return file.getvalue()


RECORDED = {
    "Chrome's recorder": lambda: recorded("webm", "libopus"),
    "Firefox's recorder": lambda: recorded("ogg", "libopus"),
    "Safari's recorder": lambda: recorded("mp4", "aac", rate=44_100),
    "a phone's M4A": lambda: recorded("ipod", "aac", rate=44_100, channels=2),
    "3GP": lambda: recorded("3gp", "aac", rate=16_000),
    "AAC": lambda: recorded("adts", "aac", rate=22_050),
    "MP3": lambda: encoded(TONE, "MP3"),
    "Vorbis": lambda: encoded(TONE, "OGG", "VORBIS"),
    "FLAC": lambda: encoded(TONE, "FLAC"),
    "stereo FLAC": lambda: encoded(np.stack([TONE, -TONE], 1), "FLAC"),
    "AIFF": lambda: encoded(TONE, "AIFF"),
    "CAF": lambda: encoded(TONE, "CAF"),
    "AU": lambda: encoded(TONE, "AU"),
    "W64": lambda: encoded(TONE, "W64"),
}


@starts_processes
@pytest.mark.parametrize("make", RECORDED.values(), ids=list(RECORDED))
def test_what_browsers_and_phones_record_is_read(make: Callable[[], bytes]) -> None:
    sound = read(make())
    assert sound.rate == RATE
    assert sound.seconds == pytest.approx(1, abs=0.15)
    spectrum = np.abs(np.fft.rfft(np.frombuffer(sound.pcm, "<i2").astype(float)))
    assert spectrum.argmax() / sound.seconds == pytest.approx(440, abs=5)


@starts_processes
def test_a_recording_that_broke_off_is_heard_as_far_as_it_goes() -> None:
    content = encoded(TONE, "MP3")
    assert 0.3 < read(content[: len(content) * 2 // 3]).seconds < 1


@starts_processes
def test_little_that_becomes_much_stops_at_the_limit() -> None:
    silence = encoded(np.zeros(600 * RATE, dtype=np.int16), "FLAC")
    assert len(silence) < 100_000
    assert refusal(silence, max_seconds=60) == (413, "too_long")


@starts_processes
def test_a_caller_that_goes_away_stops_the_decoder() -> None:
    async def cancelled() -> None:
        content = recorded("ogg", "libopus")
        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(decoding.decode_whole(content, "ogg", RATE, 60))
            await asyncio.sleep(0)
            reading.cancel()

    asyncio.run(cancelled())


@starts_processes
async def test_the_decoder_knows_nothing_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    async with decoding._process("whole", "wav", RATE, 1) as process:
        assert "OPENAI_API_KEY" not in psutil.Process(process.pid).environ()


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    format_of(content)
    is_text(content)
    for start in (b"", b"RIFF\0\0\0\0WAVE", WHOLE[:44]):
        try:
            wav.read(io.BytesIO(start + content), 10)
        except AudioRejected as refused:
            assert refused.status in (400, 413, 415)


@given(st.binary(max_size=24), st.integers(0, 60))
def test_a_damaged_header_is_read_or_refused(damage: bytes, at: int) -> None:
    try:
        wav.read(io.BytesIO(WHOLE[:at] + damage + WHOLE[at + len(damage) :]), 10)
    except AudioRejected as refused:
        assert refused.status in (400, 413, 415)


@starts_processes
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(
        [b"OggS", b"fLaC", b"ID3\x04", b"\x1aE\xdf\xa3", b"\0\0\0\x18ftypM4A ", b"caff"]
    ),
    st.binary(max_size=500),
)
def test_damaged_files_of_any_format_are_refused(opening: bytes, content: bytes) -> None:
    try:
        read(opening + content)
    except AudioRejected as refused:
        assert refused.status in (400, 413, 415)

"""Hearing: is it speech, at which rate, and is it a WAV at all."""

from __future__ import annotations

import io
import itertools
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from interaction.audio import wav
from interaction.audio.narrowband import Widening
from interaction.audio.resample import Resampler
from interaction.audio.vad import FRAME_BYTES, SpeechDetector
from voiceproject.testing.plugin import program

RATES = st.sampled_from([6_000, 8_000, 11_025, 16_000, 22_050, 24_000, 44_100, 48_000])


def tone(hz: float, rate: int, seconds: float, loudness: float = 0.4) -> bytes:
    times = np.arange(int(rate * seconds)) / rate
    return bytes((32767 * loudness * np.sin(2 * np.pi * hz * times)).astype("<i2"))


def pitch(pcm: bytes, rate: int) -> float:
    samples = np.frombuffer(pcm, dtype="<i2") * np.hanning(len(pcm) // 2)
    return float(np.abs(np.fft.rfft(samples)).argmax() * rate / len(samples))


def cut(pcm: bytes, sizes: Iterable[int]) -> Iterable[bytes]:
    start = 0
    for size in itertools.cycle(sizes):
        if start >= len(pcm):
            return
        yield pcm[start : start + size]
        start += size


# Speech or not.


def probabilities(pcm: bytes) -> list[float]:
    detector = SpeechDetector()
    ends = range(FRAME_BYTES, len(pcm) + 1, FRAME_BYTES)
    return [detector.probability(pcm[end - FRAME_BYTES : end]) for end in ends]


def noise(colour: float) -> bytes:
    """Five seconds of noise whose power falls with frequency to the power of ``colour``."""
    count = 5 * 16_000
    spectrum = np.fft.rfft(np.random.default_rng(7).standard_normal(count))
    spectrum[1:] /= np.arange(1, len(spectrum)) ** (colour / 2)
    samples = np.fft.irfft(spectrum, count)
    return bytes((samples / np.abs(samples).max() * 20_000).astype("<i2"))


@pytest.mark.parametrize(
    "pcm",
    [
        pytest.param(bytes(160_000), id="silence"),
        pytest.param(noise(0), id="white noise"),
        pytest.param(noise(1), id="pink noise"),
        pytest.param(noise(2), id="brown noise"),
        pytest.param(tone(440, 16_000, 5), id="tone"),
    ],
)
def test_what_nobody_says_is_not_speech(pcm: bytes) -> None:
    assert max(probabilities(pcm)) < 0.5


def test_spoken_words_are_speech(spoken: Callable[[str], wav.Sound]) -> None:
    heard = probabilities(spoken("what is the weather like in paris today").pcm)

    assert np.median(heard) > 0.9
    assert heard[0] < 0.5


def test_a_voice_is_noticed_as_soon_after_a_long_silence_as_at_the_beginning(
    spoken: Callable[[str], wav.Sound],
) -> None:
    silence = bytes(12 * 31 * FRAME_BYTES)
    pcm = b"".join([spoken("what is the weather like in paris today").pcm.rstrip(b"\0"), silence])
    before = pcm[: len(pcm) // FRAME_BYTES * FRAME_BYTES]

    def frames_until_speech(before: bytes, after: bytes) -> int:
        heard = probabilities(before + after)[len(before) // FRAME_BYTES :]
        return next(i for i, probability in enumerate(heard) if probability >= 0.5)

    sentences = [spoken(text).pcm for text in ("who are you", "wait a moment", "four five six")]
    fresh = [frames_until_speech(b"", sentence) for sentence in sentences]
    late = [frames_until_speech(before, sentence) for sentence in sentences]
    assert sum(late) <= sum(fresh) + 1, (fresh, late)


def test_a_reset_detector_hears_what_a_new_one_hears(spoken: Callable[[str], wav.Sound]) -> None:
    pcm = spoken("good morning").pcm[: 20 * FRAME_BYTES]
    used = SpeechDetector()
    for _ in range(2):
        used.reset()
        again = [used.probability(bytes(piece)) for piece in cut(pcm, [FRAME_BYTES])]

    assert again == probabilities(pcm)


def test_a_frame_of_another_length_is_an_error() -> None:
    with pytest.raises(ValueError, match="1024"):
        SpeechDetector().probability(bytes(640))


# Rates.


def resampled(pcm: bytes, from_rate: int, to_rate: int, sizes: Iterable[int]) -> bytes:
    resampler = Resampler(from_rate, to_rate)
    return b"".join(resampler.feed(piece) for piece in cut(pcm, sizes)) + resampler.finish()


@given(
    from_rate=RATES,
    to_rate=st.sampled_from([16_000, 24_000]),
    samples=st.integers(1, 4_000),
    sizes=st.lists(st.integers(1, 5_000), min_size=1, max_size=3),
)
def test_the_length_follows_the_ratio_and_the_cuts_do_not_show(
    from_rate: int, to_rate: int, samples: int, sizes: list[int]
) -> None:
    pcm = tone(300, from_rate, samples / from_rate)

    out = resampled(pcm, from_rate, to_rate, sizes)

    assert abs(len(out) / 2 - len(pcm) / 2 * to_rate / from_rate) <= 1
    assert out == resampled(pcm, from_rate, to_rate, [1 << 20])


@given(from_rate=RATES, to_rate=st.sampled_from([16_000, 24_000]), hz=st.integers(200, 2_000))
def test_a_tone_keeps_its_pitch_and_its_loudness(from_rate: int, to_rate: int, hz: int) -> None:
    out = resampled(tone(hz, from_rate, 0.5), from_rate, to_rate, [1_280])

    assert pitch(out, to_rate) == pytest.approx(hz, abs=4)
    middle = np.frombuffer(out, dtype="<i2")[2_000:-2_000].astype(float)
    loudness = np.sqrt(2 * np.mean(middle**2)) / 32767
    assert loudness == pytest.approx(0.4, rel=0.05)


def test_equal_rates_pass_through() -> None:
    pcm = tone(440, 16_000, 0.1)
    assert resampled(pcm, 16_000, 16_000, [321]) == pcm


def test_full_scale_does_not_wrap_around() -> None:
    square = (np.sign(np.sin(np.arange(8_000) / 9)) * 32767).astype("<i2").tobytes()

    samples = np.frombuffer(resampled(square, 8_000, 16_000, [512]), dtype="<i2")

    # Where the square wave stays high, the result may ring and clip, but never changes sign.
    steady = np.repeat(np.frombuffer(square, dtype="<i2"), 2)[: len(samples)]
    inside = np.convolve(np.abs(np.diff(steady, prepend=steady[0])) > 0, np.ones(9), "same") == 0
    assert (np.sign(samples[inside]) == np.sign(steady[inside])).all()


# Narrow-band audio.


def widened(pcm: bytes) -> bytes:
    widening = Widening()
    return b"".join(widening.widen(pcm[at : at + 3_200]) for at in range(0, len(pcm), 3_200))


def test_telephone_audio_gets_its_mirror_image_in_the_upper_band() -> None:
    out = widened(resampled(tone(1_000, 8_000, 0.4), 8_000, 16_000, [640]))

    spectrum = np.abs(np.fft.rfft(np.frombuffer(out, dtype="<i2")[:6_400] * np.hanning(6_400)))
    hz_a_bin = 16_000 / 6_400
    image, tone_itself = spectrum[int(7_000 / hz_a_bin)], spectrum[int(1_000 / hz_a_bin)]
    assert image / tone_itself == pytest.approx(0.4, rel=0.05)


def test_what_has_an_upper_band_is_left_as_it_is(spoken: Callable[[str], wav.Sound]) -> None:
    pcm = spoken("the quick brown fox jumps over the lazy dog").pcm
    assert widened(pcm) == pcm


def test_silence_is_left_as_it_is() -> None:
    assert widened(bytes(6_400)) == bytes(6_400)


# WAV files.


@given(st.binary(min_size=2, max_size=400), st.sampled_from([8_000, 16_000, 24_000]))
def test_what_is_wrapped_can_be_read(noise: bytes, rate: int) -> None:
    pcm = noise[: len(noise) & ~1]

    sound = wav.read(io.BytesIO(wav.wrap(pcm, rate)), max_seconds=10)

    assert sound == wav.Sound(pcm, rate)


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "FLOAT", "ULAW"])
def test_any_encoding_is_read_and_channels_are_mixed(subtype: str) -> None:
    mono = np.frombuffer(tone(440, 44_100, 0.5), dtype="<i2") / 32768
    file = io.BytesIO()
    stereo = np.stack([mono * 1.5, mono * 0.5], axis=1)
    soundfile.write(file, stereo, 44_100, format="WAV", subtype=subtype)

    sound = wav.read(file, max_seconds=10)

    assert (sound.rate, sound.seconds) == (44_100, 0.5)
    difference = np.frombuffer(sound.pcm, dtype="<i2") / 32768 - mono
    assert np.abs(difference).max() < 0.02


def rejected(content: bytes, max_seconds: float = 10) -> tuple[int, str]:
    with pytest.raises(wav.AudioRejected) as caught:
        wav.read(io.BytesIO(content), max_seconds)
    assert caught.value.message
    return caught.value.status, caught.value.code


def test_an_empty_file_is_refused() -> None:
    assert rejected(b"") == (400, "empty_audio")
    assert rejected(wav.wrap(b"", 16_000)) == (400, "empty_audio")


@pytest.mark.parametrize("kept", [3, 4, 11, 12, 20, 46, 1_000, 2_000])
def test_a_file_that_lacks_sound_is_refused(kept: int) -> None:
    assert rejected(wav.wrap(bytes(3_200), 16_000)[:kept]) == (400, "truncated_audio")


@pytest.mark.parametrize(
    "content", [b"ID3\x04" + bytes(400), b"hello", b"RIFF\x10\0\0\0AVI " + bytes(40)]
)
def test_another_format_is_refused(content: bytes) -> None:
    assert rejected(content) == (415, "unsupported_audio")


def test_a_long_file_is_refused() -> None:
    assert rejected(wav.wrap(bytes(16_002), 8_000), max_seconds=1) == (413, "too_long")
    assert wav.read(io.BytesIO(wav.wrap(bytes(16_000), 8_000)), max_seconds=1).seconds == 1


def test_an_absurd_rate_is_refused() -> None:
    assert rejected(wav.wrap(bytes(100), 50)) == (400, "unsupported_rate")
    assert rejected(wav.wrap(bytes(100), 4_000_000)) == (400, "unsupported_rate")


@given(st.binary(max_size=200), st.integers(12, 60))
def test_a_damaged_file_is_refused_or_read_never_worse(damage: bytes, at: int) -> None:
    content = wav.wrap(tone(440, 16_000, 0.05), 16_000)
    try:
        wav.read(io.BytesIO(content[:at] + damage + content[at + len(damage) :]), 10)
    except wav.AudioRejected as refusal:
        assert refusal.status in (400, 413, 415)


def test_a_file_written_to_a_pipe_is_read_though_its_header_does_not_know_the_length(
    tmp_path: Path, processes: None
) -> None:
    source = tmp_path / "tone.wav"
    source.write_bytes(wav.wrap(tone(440, 16_000, 0.5), 16_000))

    piped = subprocess.run(
        [program("sox"), source, "-t", "wav", "-"], capture_output=True, check=True
    ).stdout

    assert wav.read(io.BytesIO(piped), max_seconds=10).seconds == 0.5

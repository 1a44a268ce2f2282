"""Reads WAV files that people upload, with checks, and writes them."""

from __future__ import annotations

import io
import wave
from typing import BinaryIO

import soundfile
from django.utils.translation import gettext as _

from interaction.audio import riff
from interaction.audio.downmix import Downmix
from interaction.audio.formats import RIFF
from interaction.audio.sound import AudioRejected, Sound, corrupt, empty, foreign, too_long

__all__ = ["AudioRejected", "Sound", "decode", "encoded", "read", "wrap"]

RATES = range(4_000, 192_001)
BLOCK_SAMPLES = 1 << 16
"""Of all channels, in one block."""


def read(file: BinaryIO, max_seconds: float) -> Sound:
    """Decode a WAV file of linear PCM, float, A-law or µ-law, mixing its channels to one.

    Raises ``AudioRejected``: 400 empty, truncated or corrupt; 415 another format; 413 too long.
    ``recordings.read`` takes any format.
    """
    file.seek(0)
    sound = encoded(file.read())
    if sound.subtype is None:
        raise foreign()
    return decode(sound, max_seconds)


def encoded(content: bytes) -> riff.Encoded:
    """Find the sound in a WAV file. Raises ``AudioRejected``."""
    if not content:
        raise empty()
    if len(content) < 12 and any(kind.startswith(content[:4]) for kind in RIFF):
        raise _truncated()
    if content[:4] not in RIFF or content[8:12] != b"WAVE":
        raise foreign()
    try:
        return riff.parse(content)
    except riff.NoSound as error:
        raise empty() from error
    except riff.Truncated as error:
        raise _truncated() from error
    except riff.Damaged as error:
        raise corrupt() from error


def decode(sound: riff.Encoded, max_seconds: float) -> Sound:
    """Raises ``AudioRejected``. ``sound`` has a ``subtype``."""
    if sound.rate not in RATES:
        raise AudioRejected(
            "unsupported_rate",
            _("The sample rate must be between 4 and 192 kHz, not %(rate)d Hz.")
            % {"rate": sound.rate},
            400,
        )
    try:
        with soundfile.SoundFile(
            io.BytesIO(sound.data),
            format="RAW",
            samplerate=sound.rate,
            channels=sound.channels,
            subtype=sound.subtype,
            endian="BIG" if sound.big_endian else "LITTLE",
        ) as file:
            if file.frames > max_seconds * sound.rate:
                raise too_long(max_seconds)
            return Sound(_mixed(file), sound.rate)
    except (soundfile.SoundFileError, TypeError, ValueError) as error:
        raise corrupt() from error


def wrap(pcm: bytes, rate: int) -> bytes:
    """Return a WAV file holding ``pcm``, mono s16le."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(pcm)
    return out.getvalue()


def _mixed(file: soundfile.SoundFile) -> bytes:
    downmix, frames = Downmix(), max(1, BLOCK_SAMPLES // file.channels)
    while len(block := file.read(frames, dtype="float32", always_2d=True)):
        downmix.listen(block.T)
    file.seek(0)
    pcm = bytearray()
    while len(block := file.read(frames, dtype="float32", always_2d=True)):
        pcm += downmix.mix(block.T)
    return bytes(pcm)


def _truncated() -> AudioRejected:
    return AudioRejected(
        "truncated_audio", _("The file ends before its audio does. Send the whole file."), 400
    )

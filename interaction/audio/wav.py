"""Reads WAV files that people upload, with checks, and writes them."""

from __future__ import annotations

import io
import wave
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import soundfile
from django.utils.translation import gettext as _

RATES = range(4_000, 192_001)
ENDLESS = 0x7FFF_0000
"""Length of a chunk, bytes, from which it is not believed: programs that write a WAV to a pipe
cannot know its size and write a huge one into the header."""
BLOCK_FRAMES = 1 << 16


@dataclass(frozen=True, slots=True)
class Sound:
    pcm: bytes
    """Mono s16le."""
    rate: int

    @property
    def seconds(self) -> float:
        return len(self.pcm) / 2 / self.rate


class AudioRejected(Exception):
    """``code`` is for programs, ``message`` for people, ``status`` is the HTTP status."""

    def __init__(self, code: str, message: str, status: int) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


def read(file: BinaryIO, max_seconds: float) -> Sound:
    """Decode a WAV file (any encoding that libsndfile knows), mixing its channels to one.

    Raises ``AudioRejected``: 400 empty, truncated or corrupt; 415 not a WAV; 413 too long.
    """
    _check_container(file)
    try:
        with soundfile.SoundFile(file) as sound:
            return _decode(sound, max_seconds)
    except (soundfile.SoundFileError, TypeError, ValueError) as error:
        raise _corrupt() from error


def wrap(pcm: bytes, rate: int) -> bytes:
    """Return a WAV file holding ``pcm``, mono s16le."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(pcm)
    return out.getvalue()


def _decode(sound: soundfile.SoundFile, max_seconds: float) -> Sound:
    if sound.samplerate not in RATES:
        raise AudioRejected(
            "unsupported_rate",
            _("The sample rate must be between 4 and 192 kHz, not %(rate)d Hz.")
            % {"rate": sound.samplerate},
            400,
        )
    limit = int(max_seconds * sound.samplerate)
    blocks: list[bytes] = []
    frames = 0
    while len(block := sound.read(BLOCK_FRAMES, dtype="float32", always_2d=True)):
        frames += len(block)
        if max(frames, sound.frames) > limit:
            raise AudioRejected(
                "too_long",
                _("The audio is longer than %(seconds)d seconds. Send it in parts.")
                % {"seconds": max_seconds},
                413,
            )
        mono = np.nan_to_num(block.mean(axis=1), posinf=1, neginf=-1)
        blocks.append(np.clip(np.rint(mono * 32768), -32768, 32767).astype("<i2").tobytes())
    if not frames:
        raise _empty()
    return Sound(b"".join(blocks), sound.samplerate)


def _check_container(file: BinaryIO) -> None:
    """Refuse what libsndfile would accept: other formats, and files cut off before their end."""
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    head = file.read(12)
    if not head:
        raise _empty()
    if not (b"RIFF".startswith(head[:4]) or head[:4] == b"RF64"):
        raise _foreign()
    if not b"WAVE".startswith(head[8:]):
        raise _foreign()
    while len(chunk := file.read(8)) == 8:
        length = int.from_bytes(chunk[4:], "little")
        if chunk[:4] == b"data":
            if length < ENDLESS and file.tell() + length > size:
                raise _truncated()
            file.seek(0)
            return
        file.seek(length + length % 2, io.SEEK_CUR)
    raise _truncated()


def _empty() -> AudioRejected:
    return AudioRejected("empty_audio", _("The file holds no audio. Record it again."), 400)


def _foreign() -> AudioRejected:
    return AudioRejected(
        "not_wav", _("This is not a WAV file. Save or convert the recording as WAV."), 415
    )


def _truncated() -> AudioRejected:
    return AudioRejected(
        "truncated_audio", _("The file ends before its audio does. Send the whole file."), 400
    )


def _corrupt() -> AudioRejected:
    return AudioRejected(
        "corrupt_audio", _("The file cannot be decoded. Save it as WAV with 16-bit PCM."), 400
    )

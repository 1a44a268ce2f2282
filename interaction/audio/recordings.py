"""The one door for recordings that people send, in whatever format they are."""

from __future__ import annotations

import asyncio
from typing import BinaryIO

from interaction.audio import decoding, wav
from interaction.audio.formats import RIFF, format_of
from interaction.audio.sound import AudioRejected, Sound, corrupt, empty, foreign, too_long
from interaction.core.types import INPUT_SAMPLE_RATE


async def read(file: BinaryIO, max_seconds: float) -> Sound:
    """Decode a recording by what stands in it, mixing its channels to one.

    WAV, MP3, M4A and MP4, 3GP, AAC, Ogg and WebM (Opus, Vorbis), FLAC, AIFF, CAF, AU, AMR, W64.
    WAV keeps its rate; others come at ``INPUT_SAMPLE_RATE``. Raises ``AudioRejected``: 400 empty,
    truncated or corrupt; 415 none of these formats; 413 too long. Cancelling stops the decoder.
    """
    file.seek(0)
    content = await asyncio.to_thread(file.read)
    name = format_of(content)
    if name == "wav" or not content or any(kind.startswith(content[:4]) for kind in RIFF):
        sound = await asyncio.to_thread(wav.encoded, content)
        if sound.subtype:
            return await asyncio.to_thread(wav.decode, sound, max_seconds)
        name = "wav"
    if name is None:
        raise foreign()
    try:
        pcm = await decoding.decode_whole(content, name, INPUT_SAMPLE_RATE, max_seconds)
    except decoding.Undecodable as error:
        raise _rejection(error, max_seconds) from error
    return Sound(pcm, INPUT_SAMPLE_RATE)


def _rejection(error: decoding.Undecodable, max_seconds: float) -> AudioRejected:
    if error.too_long:
        return too_long(max_seconds)
    return empty() if error.no_sound else corrupt()

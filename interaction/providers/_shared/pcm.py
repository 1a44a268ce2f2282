"""The audio of speech servers: raw PCM, or what they send in its place.

Servers that speak OpenAI's API need not know ``response_format=pcm``, and send MP3 or WAV whatever
was asked for. Compressed bytes played as samples are noise near full scale. So nothing is played
before it is known to be raw PCM; what can be decoded is decoded, the rest is refused.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from email.message import EmailMessage

import numpy as np

from interaction.audio import decoding
from interaction.audio.formats import HEAD, format_of, is_other, may_be_frames
from interaction.audio.resample import Resampler
from interaction.providers._shared.error_mapping import ErrorMapping
from interaction.providers.errors import ProviderProtocolError

FRAME_BYTES = 3_000
"""More than any frame of MP3 or AAC at the rates of speech, so that the second one is seen."""
UNSURE_HEAD = 1_024
"""Bytes that are looked at where the type does not say raw PCM: some 20 ms."""
LONGEST_S = 900
"""Seconds of speech in one answer."""
RAW_TYPES = ("audio/pcm", "audio/l16", "audio/x-pcm", "audio/raw", "audio/x-raw")
VAGUE_TYPES = ("application/octet-stream", "binary/octet-stream", "application/binary")
CONTAINER_TYPES = {
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
    "audio/aac": "aac",
    "audio/aacp": "aac",
}
"""Types of streams that need not start with a frame, and FFmpeg's name of the format."""
PLAIN_CONTAINERS = ("wav", "wave", "x-wav", "vnd.wave", "ogg", "flac", "x-flac", "mp4", "webm")
"""Types of files that start with a mark of theirs: servers that send raw PCM use these names."""
NOISE_LEVEL, NOISE_STEP = 0.4, 1.0
"""Of compressed bytes taken as samples: the root mean square is near 0.58 of full scale, and the
mean step from one to the next is 4/3 of the mean sample. Of speech, neither ever is so large."""


async def speech_samples(
    pieces: AsyncIterator[bytes], errors: ErrorMapping, rate: int, content_type: str = ""
) -> AsyncIterator[bytes]:
    """The sound in an answer: mono s16le at ``rate``, in pieces of even lengths.

    ``rate`` is that of raw PCM too, unless ``content_type`` names another one; a file's own rate is
    believed. Raises a protocol error for what holds no sound, or none that can be decoded.
    """
    kind = EmailMessage()
    kind["content-type"] = content_type or VAGUE_TYPES[0]
    is_pcm = kind.get_content_type() in RAW_TYPES
    head, rest = await _head(pieces, HEAD if is_pcm else UNSURE_HEAD)
    if not head:
        raise errors.protocol_error("sent no audio")
    name = _format(head, kind.get_content_type(), errors)
    everything = _chained(head, rest)
    if name:
        sound = _decoded(everything, name, rate, errors)
    else:
        sound = _raw(everything, _declared_rate(kind, rate, errors), rate)
    started = False
    async with contextlib.aclosing(sound):
        async for pcm in sound:
            started = True
            yield pcm
    if not started:
        raise errors.protocol_error("sent no audio")


def refuse_other_audio(head: bytes, errors: ErrorMapping) -> None:
    """Raise a protocol error unless this can be the start of raw PCM, where only that may come."""
    if format_of(head) or is_other(head):
        raise errors.protocol_error("sent something else than raw PCM")


async def _head(pieces: AsyncIterator[bytes], enough: int) -> tuple[bytes, AsyncIterator[bytes]]:
    """As much of the start as tells the format; all of it is still to be played."""
    head = b""
    async for piece in pieces:
        head += piece
        if len(head) >= (FRAME_BYTES if may_be_frames(head) else enough):
            break
    return head, pieces


async def _chained(head: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield head
    async for piece in rest:
        yield piece


def _format(head: bytes, kind: str, errors: ErrorMapping) -> str | None:
    """The format to decode; None for raw PCM. The bytes decide; the type helps where they do not
    say enough."""
    if name := format_of(head):
        return name
    main, _slash, sub = kind.partition("/")
    if is_other(head) or main not in ("audio", "video", "application", "binary"):
        raise errors.protocol_error("sent something else than raw PCM")
    if kind in RAW_TYPES:
        return None
    if kind in CONTAINER_TYPES and _is_noise(head):
        return CONTAINER_TYPES[kind]
    known = kind in VAGUE_TYPES or kind in CONTAINER_TYPES or sub in PLAIN_CONTAINERS
    if not known or _is_noise(head):
        raise errors.protocol_error("sent something else than raw PCM")
    return None


def _is_noise(head: bytes) -> bool:
    samples = np.frombuffer(head[: len(head) & ~1], "<i2").astype(np.float64) / 32768
    if len(samples) < HEAD // 2:
        return False
    level = np.sqrt(np.mean(samples**2))
    step = np.abs(np.diff(samples)).mean() / max(np.abs(samples).mean(), 1e-9)
    return bool(level > NOISE_LEVEL and step > NOISE_STEP)


def _declared_rate(kind: EmailMessage, rate: int, errors: ErrorMapping) -> int:
    """As in ``audio/pcm;rate=16000``."""
    declared = kind.get_param("rate") or rate
    channels = kind.get_param("channels") or 1
    if not str(declared).isdecimal() or int(str(declared)) not in range(4_000, 192_001):
        declared = rate
    if str(channels).strip() != "1":
        raise errors.protocol_error("sent something else than mono PCM")
    return int(str(declared))


async def _raw(pieces: AsyncIterator[bytes], from_rate: int, rate: int) -> AsyncGenerator[bytes]:
    resampler = Resampler(from_rate, rate)
    async for piece in pieces:
        if pcm := resampler.feed(piece):
            yield pcm
    if pcm := resampler.finish():
        yield pcm


async def _decoded(
    pieces: AsyncIterator[bytes], name: str, rate: int, errors: ErrorMapping
) -> AsyncGenerator[bytes]:
    odd = b""
    try:
        async with contextlib.aclosing(
            decoding.decode_stream(pieces, name, rate, LONGEST_S)
        ) as sound:
            async for piece in sound:
                pcm = odd + piece
                whole = len(pcm) & ~1
                odd = pcm[whole:]
                if whole:
                    yield pcm[:whole]
    except decoding.Undecodable:
        raise _undecodable(errors) from None


def _undecodable(errors: ErrorMapping) -> ProviderProtocolError:
    return errors.protocol_error("sent audio that cannot be decoded")

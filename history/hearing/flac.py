"""Encodes a whole conversation as FLAC, piece by piece, as it is sent.

The stream is the encoder's frames behind the marker and one ``STREAMINFO`` block (RFC 9639, 8.2),
in which the length stands from the start: it is known before the first frame is.
"""

from __future__ import annotations

from collections.abc import Iterator

import av
import numpy as np

from history.hearing.recordings import RATE
from history.hearing.whole import WholeRecording

MARKER = b"fLaC"
LAST_STREAMINFO = b"\x80\x00\x00\x22"
"""Header of the last metadata block: its kind, and its 34 bytes."""
LENGTH_AT, LENGTH_BITS = 13, 36
"""Where the number of samples stands: from the low half of this byte on."""


def encode(whole: WholeRecording) -> Iterator[bytes]:
    """Yield the file."""
    encoder = av.CodecContext.create("flac", "w")
    assert isinstance(encoder, av.AudioCodecContext)
    encoder.sample_rate, encoder.layout, encoder.format = RATE, "stereo", "s16"
    encoder.open()
    yield MARKER + LAST_STREAMINFO + _with_length(bytes(encoder.extradata or b""), whole.frames)
    cut = av.AudioFifo()
    size = encoder.frame_size
    for block in whole.blocks(0, whole.frames):
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(block).reshape(1, -1), format="s16", layout="stereo"
        )
        frame.sample_rate = RATE
        cut.write(frame)
        for full in cut.read_many(size):
            yield from map(bytes, encoder.encode(full))
    if (rest := cut.read(0, partial=True)) is not None:
        yield from map(bytes, encoder.encode(rest))
    yield from map(bytes, encoder.encode(None))


def _with_length(streaminfo: bytes, samples: int) -> bytes:
    """The block with its number of samples; without a checksum, which only the end would tell."""
    bits_before = (streaminfo[LENGTH_AT] & 0xF0) << (LENGTH_BITS - 4)
    length: int = bits_before | min(samples, 2**LENGTH_BITS - 1)
    return streaminfo[:LENGTH_AT] + length.to_bytes(5, "big") + bytes(16)

"""A whole conversation as one stereo recording: the person left, the agent right, at ``RATE``, each
sound where it lies on the conversation's axis.

Nothing of it is kept: any stretch is made from the turns' recordings when it is asked for. What of
a reply the person did not hear is no part of it.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple

import numpy as np
from django.db.models.fields.files import FieldFile

from history.hearing.axis import Axis
from history.hearing.recordings import RATE, Recording, Samples

CHANNELS = 2
FRAME_BYTES = 2 * CHANNELS
FRAMES_A_MS = RATE // 1000
BLOCK_FRAMES = RATE
"""Frames that are made at once: a second."""
HEADER_BYTES = 44
LONGEST_FRAMES = (2**32 - 1 - HEADER_BYTES) // FRAME_BYTES
"""What a WAV file's 32-bit sizes can say: half a day."""


class Placement(NamedTuple):
    """A recording, or as much of it as was heard. In frames of the whole."""

    start: int
    end: int
    file: FieldFile


@dataclass(frozen=True)
class WholeRecording:
    frames: int
    sides: tuple[list[Placement], list[Placement]]
    """Of the person and of the agent, each in order, none over another."""

    @classmethod
    def of(cls, axis: Axis) -> WholeRecording:
        sides: tuple[list[Placement], list[Placement]] = ([], [])
        for placed in axis.turns:
            files = (placed.turn.user_audio, placed.turn.agent_audio)
            spans = (placed.user, placed.agent)
            for side, file, span in zip(sides, files, spans, strict=True):
                if file and span:
                    ends = (span.start * FRAMES_A_MS, span.end * FRAMES_A_MS)
                    side.append(Placement(*ends, file))
        return cls(axis.ms * FRAMES_A_MS, sides)

    @property
    def is_empty(self) -> bool:
        """Nothing of the conversation was recorded."""
        return not any(self.sides)

    @property
    def wav_bytes(self) -> int:
        """Length of the WAV file."""
        return HEADER_BYTES + self.frames * FRAME_BYTES

    def wav(self, start: int, end: int) -> Iterator[bytes]:
        """The bytes ``start`` to ``end`` of the WAV file, piece by piece."""
        if start < HEADER_BYTES:
            yield self._header()[start:end]
        first, last = max(start - HEADER_BYTES, 0), end - HEADER_BYTES
        if last <= first:
            return
        skip = first % FRAME_BYTES
        left = last - first
        for block in self.blocks(first // FRAME_BYTES, -(-last // FRAME_BYTES)):
            piece = block.tobytes()[skip : skip + left]
            skip, left = 0, left - len(piece)
            yield piece

    def blocks(self, start: int, end: int) -> Iterator[Samples]:
        """The frames ``start`` to ``end``, as arrays of shape (frames, 2) of a second at most."""
        with ExitStack() as opened:
            readers = [_Side(side, opened) for side in self.sides]
            while start < end:
                count = min(BLOCK_FRAMES - start % BLOCK_FRAMES, end - start)
                block = np.zeros((count, CHANNELS), np.int16)
                for channel, reader in enumerate(readers):
                    reader.fill(block[:, channel], start)
                yield block
                start += count

    def _header(self) -> bytes:
        data = self.frames * FRAME_BYTES
        pcm = struct.pack("<HHIIHH", 1, CHANNELS, RATE, RATE * FRAME_BYTES, FRAME_BYTES, 16)
        sizes = struct.pack("<4sI4s4sI", b"RIFF", data + 36, b"WAVE", b"fmt ", len(pcm))
        return sizes + pcm + struct.pack("<4sI", b"data", data)


class _Side:
    """One channel, read from its start to its end: at most one file is open."""

    def __init__(self, placements: list[Placement], opened: ExitStack) -> None:
        self._placements = placements
        self._opened = opened.enter_context(ExitStack())
        self._current: Placement | None = None

    def fill(self, channel: Samples, start: int) -> None:
        """Write what sounds in the frames from ``start`` on; ``channel`` is silent so far."""
        end = start + len(channel)
        for placement in self._between(start, end):
            recording = self._open(placement)
            at = max(placement.start, start)
            count = min(placement.end, end) - at
            samples = recording.read(at - placement.start, count)
            channel[at - start : at - start + len(samples)] = samples

    def _between(self, start: int, end: int) -> Iterable[Placement]:
        first = bisect_right(self._placements, start, key=attrgetter("end"))
        for placement in self._placements[first:]:
            if placement.start >= end:
                return
            yield placement

    def _open(self, placement: Placement) -> Recording:
        if placement is not self._current:
            self._opened.close()
            self._recording = self._opened.enter_context(Recording(placement.file))
            self._current = placement
        return self._recording

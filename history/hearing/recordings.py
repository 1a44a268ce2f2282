"""Reads the recordings of turns: any stretch of one, at the rate that all are heard at."""

from __future__ import annotations

import contextlib
import logging
import wave
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt
import soxr
from django.db.models.fields.files import FieldFile

from interaction.core.types import OUTPUT_SAMPLE_RATE

logger = logging.getLogger(__name__)

RATE = OUTPUT_SAMPLE_RATE
"""Of the whole conversation, Hz."""
MARGINS_A_SECOND = 10
"""A resampled second gets a tenth of one from before and after it: far longer than the filter."""
UNREADABLE = (OSError, EOFError, wave.Error, ValueError)

Samples = npt.NDArray[np.int16]


class Recording:
    """A turn's WAV file, mono s16le, as ``RATE`` samples a second. Where it cannot be read (a lost
    file, a damaged one) it is silent, and the log says so once."""

    def __init__(self, file: FieldFile) -> None:
        self._file = file
        self._wave: wave.Wave_read | None = None
        self._frames = 0
        self._rate = RATE
        self._second: tuple[int, Samples] = (-1, np.empty(0, np.int16))
        """The second that was resampled last, and its number."""

    def __enter__(self) -> Self:
        try:
            self._wave = wave.open(self._file.open("rb"))
            if self._wave.getnchannels() != 1 or self._wave.getsampwidth() != 2:
                raise ValueError("not mono s16le")
            self._rate, self._frames = self._wave.getframerate(), self._wave.getnframes()
            if self._rate % MARGINS_A_SECOND:
                raise ValueError(f"{self._rate} Hz")
        except UNREADABLE as error:
            self._fail(error)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with contextlib.suppress(*UNREADABLE):
            self._file.close()

    def read(self, start: int, count: int) -> Samples:
        """``count`` samples from ``start`` (at least 0) on, fewer where it ends."""
        pieces: list[Samples] = []
        end = start + count
        while start < end:
            number, offset = divmod(start, RATE)
            piece = self._read_second(number)[offset : offset + end - start]
            if not len(piece):
                break
            pieces.append(piece)
            start += len(piece)
        return np.concatenate(pieces) if pieces else np.empty(0, np.int16)

    def read_raw(self) -> tuple[Samples, int]:
        """All of it, and its own rate."""
        return self._read_frames(0, self._frames), self._rate

    def _read_second(self, number: int) -> Samples:
        """Second by second, so that a sample is the same from wherever one begins to read."""
        if self._second[0] != number:
            self._second = number, self._make_second(number)
        return self._second[1]

    def _make_second(self, number: int) -> Samples:
        rate, start = self._rate, number * self._rate
        if rate == RATE:
            return self._read_frames(start, rate)
        margin = rate // MARGINS_A_SECOND
        before = min(start, margin)
        raw = self._read_frames(start - before, before + rate + margin)
        made = soxr.resample(raw.astype(np.float32), rate, RATE)
        end = min(self._frames - start, rate)
        first = before * RATE // rate
        wanted = made[first : first + max(end, 0) * RATE // rate]
        clipped: Samples = np.clip(np.rint(wanted), -32768, 32767).astype(np.int16)
        return clipped

    def _read_frames(self, start: int, count: int) -> Samples:
        count = min(count, self._frames - start)
        if self._wave is None or count <= 0:
            return np.empty(0, np.int16)
        try:
            self._wave.setpos(start)
            return np.frombuffer(self._wave.readframes(count), dtype="<i2")
        except UNREADABLE as error:
            self._fail(error)
            return np.empty(0, np.int16)

    def _fail(self, error: Exception) -> None:
        self._wave, self._frames = None, 0
        facts = {"file": self._file.name, "error": type(error).__name__}
        logger.warning("a recording cannot be read", extra=facts)

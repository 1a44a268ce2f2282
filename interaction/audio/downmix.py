"""Many channels to one, without losing what was said."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[Any]
"""float32, channels x samples."""

SOUNDING = 1e-3
"""Power of a channel, relative to the loudest, below which it counts as empty: -30 dB."""
CANCELS = 0.5
"""Share of the power that independent channels would have in their mean, below which they cancel
each other."""
MOST_CHANNELS = 32
"""Further ones are not listened to."""


class Downmix:
    """Listens to all of a recording first, then mixes it.

    The mean of all channels loses what stands in one of many, and all of a stereo microphone with
    one of its sides wired the wrong way round. So it is the mean of the channels that hold sound;
    where these cancel each other, it is the loudest one.
    """

    def __init__(self) -> None:
        self._sums: NDArray[Any] | None = None
        self._products: NDArray[Any] = np.zeros((0, 0))
        self._count = 0

    def listen(self, block: Samples) -> None:
        heard = np.nan_to_num(block[:MOST_CHANNELS], posinf=1, neginf=-1).astype(np.float64)
        if self._sums is None:
            self._sums = np.zeros(len(heard))
            self._products = np.zeros((len(heard), len(heard)))
        if len(heard) == len(self._sums):
            self._sums += heard.sum(axis=1)
            self._products += heard @ heard.T
            self._count += heard.shape[1]

    def mix(self, block: Samples) -> bytes:
        """Mono s16le."""
        channels = self._channels()
        heard = np.nan_to_num(block[:MOST_CHANNELS], posinf=1, neginf=-1)
        same = self._sums is not None and len(heard) == len(self._sums)
        mono = (heard[channels] if same else heard).mean(axis=0)
        pcm: bytes = np.clip(np.rint(mono * 32768), -32768, 32767).astype("<i2").tobytes()
        return pcm

    def _channels(self) -> list[int]:
        """Which channels the mean is taken of."""
        assert self._sums is not None
        count = max(self._count, 1)
        # A constant offset is no sound, so powers are variances.
        covariance = self._products / count - np.outer(self._sums, self._sums) / count**2
        powers = covariance.diagonal()
        sounding = [int(n) for n in np.flatnonzero(powers >= SOUNDING * powers.max())]
        inside = covariance[np.ix_(sounding, sounding)]
        if inside.sum() < CANCELS * inside.diagonal().sum():
            return [int(powers.argmax())]
        return sounding

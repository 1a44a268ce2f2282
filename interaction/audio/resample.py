"""From one sample rate to another, as the audio comes."""

from __future__ import annotations

import numpy as np
import soxr
from numpy.typing import NDArray

from interaction.core.signals import HEARING_RATE

FOLD_GAIN = 0.4
"""How loud a narrow-band source's mirror image is mixed in. Recognisers trained on 16 kHz take an
empty upper band for another acoustic world. Measured with PocketSphinx on 36 sentences of two flite
voices at 8 kHz: word error rate 0.24 at 0.4, 0.29 at 0.15, 0.38 at 0.05; 0.10 for the originals."""

Samples = NDArray[np.float32]


class Resampler:
    """Mono s16le in, mono s16le out. What comes out does not depend on how the input is cut.

    A source below 16 kHz on its way to 16 kHz gets its missing upper band from spectral folding.
    """

    def __init__(self, from_rate: int, to_rate: int) -> None:
        self._stages: list[_Stream | _Folding] = []
        if from_rate < to_rate == HEARING_RATE:
            self._stages += [_Stream(from_rate, 2 * from_rate), _Folding()]
            from_rate *= 2
        if from_rate != to_rate:
            self._stages.append(_Stream(from_rate, to_rate))
        self._odd = b""

    def feed(self, pcm: bytes) -> bytes:
        """Return what is ready; some is held back until more comes or ``finish`` is called."""
        return self._pass(pcm, last=False)

    def finish(self) -> bytes:
        """Return the rest. The resampler cannot be fed after it."""
        self._odd = b""
        return self._pass(b"", last=True)

    def _pass(self, pcm: bytes, *, last: bool) -> bytes:
        pcm = self._odd + pcm
        whole = len(pcm) & ~1
        pcm, self._odd = pcm[:whole], pcm[whole:]
        if not self._stages:
            return pcm
        samples = np.frombuffer(pcm, dtype="<i2").astype(np.float32)
        for stage in self._stages:
            samples = stage.feed(samples, last)
        return np.clip(np.rint(samples), -32768, 32767).astype("<i2").tobytes()


class _Stream:
    def __init__(self, from_rate: int, to_rate: int) -> None:
        self._soxr = soxr.ResampleStream(from_rate, to_rate, 1, dtype="float32", quality="HQ")

    def feed(self, samples: Samples, last: bool) -> Samples:
        out: Samples = self._soxr.resample_chunk(samples, last=last)
        return out


class _Folding:
    """Mirrors the lower half of the band into its empty upper half, as zero-stuffing would."""

    def __init__(self) -> None:
        self._position = 0

    def feed(self, samples: Samples, last: bool) -> Samples:
        gain = np.full(len(samples), 1 + FOLD_GAIN, dtype=np.float32)
        gain[1 - self._position % 2 :: 2] = 1 - FOLD_GAIN
        self._position += len(samples)
        return samples * gain

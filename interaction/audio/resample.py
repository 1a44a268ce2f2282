"""From one sample rate to another, as the audio comes."""

from __future__ import annotations

import numpy as np
import soxr


class Resampler:
    """Mono s16le in, mono s16le out. What comes out does not depend on how the input is cut."""

    def __init__(self, from_rate: int, to_rate: int) -> None:
        self._stream = None
        if from_rate != to_rate:
            self._stream = soxr.ResampleStream(from_rate, to_rate, 1, dtype="float32")
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
        if self._stream is None:
            return pcm
        samples = np.frombuffer(pcm, dtype="<i2").astype(np.float32)
        samples = self._stream.resample_chunk(samples, last=last)
        # Rounding may overshoot what 16 bits hold: a square wave does.
        out: bytes = np.clip(np.rint(samples), -32768, 32767).astype("<i2").tobytes()
        return out

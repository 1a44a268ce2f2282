"""How loud audio is."""

from __future__ import annotations

import math

import numpy as np

SILENCE_DBFS = -100.0
"""What is softer than this is silence."""


def level_dbfs(pcm: bytes) -> float:
    """Loudness of mono s16le, dB below full scale: 0 is the loudest there is."""
    samples = np.frombuffer(pcm, dtype="<i2").astype(np.float32)
    energy = float(np.dot(samples, samples)) / max(len(samples), 1) / 32_768**2
    return max(10 * math.log10(energy), SILENCE_DBFS) if energy > 0 else SILENCE_DBFS

"""Tones, which can be followed through whatever becomes of them on the way."""

from __future__ import annotations

import numpy as np


def tone(seconds: float, rate: int = 16_000, hertz: float = 440.0) -> bytes:
    at = np.arange(round(seconds * rate)) / rate
    return (8_000 * np.sin(2 * np.pi * hertz * at)).astype("<i2").tobytes()


def pitch(pcm: bytes, rate: int = 24_000) -> float:
    """The strongest frequency, Hz."""
    samples = np.frombuffer(pcm, "<i2").astype(float)
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum) * rate / len(samples))

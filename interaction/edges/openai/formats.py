"""The audio formats of OpenAI's Realtime protocol: 24 kHz PCM, and G.711 at 8 kHz.

G.711 (ITU-T) squeezes 16-bit samples into 8 bits: µ-law in North America and Japan, A-law in
other places.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class AudioFormat:
    type: str
    """``audio/pcm``, ``audio/pcmu`` or ``audio/pcma``."""

    @property
    def rate(self) -> int:
        """Samples a second."""
        return 24_000 if self.type == "audio/pcm" else 8_000

    @property
    def sample_bytes(self) -> int:
        return 2 if self.type == "audio/pcm" else 1

    def decode(self, raw: bytes) -> bytes:
        """Mono s16le from the wire; half a sample at the end is dropped."""
        if self.type == "audio/pcm":
            return raw[: len(raw) // 2 * 2]
        return _expansion(self.type)[np.frombuffer(raw, np.uint8)].tobytes()

    def encode(self, pcm: bytes) -> bytes:
        """Mono s16le to the wire."""
        if self.type == "audio/pcm":
            return pcm
        return _compression(self.type)[np.frombuffer(pcm, "<i2").view(np.uint16)].tobytes()

    def as_json(self) -> dict[str, Any]:
        return {"type": self.type, **({"rate": 24_000} if self.type == "audio/pcm" else {})}


@cache
def _expansion(law: str) -> NDArray[np.int16]:
    """The sample that each of the 256 bytes stands for."""
    code = np.arange(256, dtype=np.int32)
    if law == "audio/pcmu":
        code = ~code & 0xFF
        magnitude = (((code & 0x0F) << 3) + 0x84 << ((code & 0x70) >> 4)) - 0x84
        return np.where(code & 0x80, -magnitude, magnitude).astype("<i2")
    code ^= 0x55
    exponent, mantissa = (code & 0x70) >> 4, (code & 0x0F) << 4
    magnitude = np.where(
        exponent == 0, mantissa + 8, (mantissa + 0x108) << np.maximum(exponent - 1, 0)
    )
    return np.where(code & 0x80, magnitude, -magnitude).astype("<i2")


@cache
def _compression(law: str) -> NDArray[np.uint8]:
    """The byte for each of the 65536 samples, as its unsigned bit pattern: the nearest one."""
    expansion = _expansion(law).astype(np.int32)
    order = np.argsort(expansion, kind="stable")
    levels = expansion[order]
    samples = np.arange(65_536, dtype=np.uint16).view(np.int16).astype(np.int32)
    above = np.clip(np.searchsorted(levels, samples), 1, 255)
    nearer_below = samples - levels[above - 1] <= levels[above] - samples
    return order[np.where(nearer_below, above - 1, above)].astype(np.uint8)

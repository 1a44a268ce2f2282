"""A microphone and a loudspeaker, simulated at real-time pace."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import numpy as np

PIECE_S = 0.02
SPEECH_LEVEL = 0.05
"""A share of a recording's loudest sample: what is below that at its end is not speech."""


class Microphone:
    """Always on: between recordings it sends silence, which is what lets VAD end a turn."""

    def __init__(self, rate: int, send: Callable[[bytes], Awaitable[None]]) -> None:
        self._send = send
        self._piece = int(rate * PIECE_S) * 2
        self._bytes_per_s = rate * 2
        self._pcm = b""
        self._empty = asyncio.Event()
        self.speech_ended_at = 0.0
        """When the recording's speech ended, monotonic seconds."""

    async def run(self) -> None:
        due = time.monotonic()
        while True:
            piece, self._pcm = self._pcm[: self._piece], self._pcm[self._piece :]
            await self._send(piece.ljust(self._piece, b"\0"))
            if not self._pcm:
                self._empty.set()
            due += PIECE_S
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def speak(self, pcm: bytes) -> None:
        """Returns when the recording has been spoken to its end."""
        self.speech_ended_at = time.monotonic() + end_of_speech(pcm) / self._bytes_per_s
        self._pcm = pcm
        self._empty.clear()
        await self._empty.wait()


def end_of_speech(pcm: bytes) -> int:
    """Where in a recording the speech ends, in bytes."""
    samples = np.abs(np.frombuffer(pcm, dtype="<i2").astype(np.int32))
    loud = np.flatnonzero(samples > SPEECH_LEVEL * samples.max(initial=0))
    return 2 * (int(loud[-1]) + 1) if len(loud) else 0


@dataclass(slots=True)
class SimulatedPlayback:
    """Plays a reply at real-time pace, without a loudspeaker."""

    rate: int
    pcm: bytearray = field(default_factory=bytearray)
    complete: bool = False
    played_ms: float = 0.0
    underruns: int = 0
    ear_ms: int | None = None
    _is_dry: bool = False

    def add_audio(self, pcm: bytes, *, last: bool) -> None:
        """More of the reply has come; ``last``: nothing follows."""
        self.pcm += pcm
        self.complete = self.complete or last

    @property
    def received_ms(self) -> float:
        return 1000 * len(self.pcm) / 2 / self.rate

    @property
    def ended(self) -> bool:
        return self.complete and self.played_ms >= self.received_ms

    def advance(self, ms: float) -> None:
        """Play for ``ms`` milliseconds, or as much as has come."""
        self.played_ms = min(self.played_ms + ms, self.received_ms)
        is_dry = self.played_ms >= self.received_ms and not self.complete
        self.underruns += is_dry and not self._is_dry
        self._is_dry = is_dry

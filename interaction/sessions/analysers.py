"""Analysers of the person's audio beside the voice activity detector, on and off the event loop."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from interaction.core.events import AnalyserVerdict
from interaction.core.types import FRAME_MS
from interaction.safe_logging import log_crash

logger = logging.getLogger(__name__)

MAX_PENDING_FRAMES = 2_000 // FRAME_MS
"""Frames that may wait for an analyser in its thread, two seconds of audio; the oldest go first."""
_threads = ThreadPoolExecutor(2, thread_name_prefix="analyser")


class Analyser(Protocol):
    """Measures the audio of one session; it may keep what it needs from one call to the next."""

    @property
    def name(self) -> str:
        """The key of its values in ``Frame.analysis``, or the name in ``AnalyserVerdict``."""
        ...

    @property
    def off_loop(self) -> bool:
        """Whether it runs beside the conversation, in a thread, because it takes longer than a
        fraction of a millisecond a frame."""
        ...

    def analyse(self, pcm: bytes) -> float:
        """``pcm``: mono s16le at 16 kHz, one frame. Off the loop it is all the frames that have
        come since the call before; where the analyser is slower than the audio, the oldest of them
        are missing."""
        ...


class OffLoopAnalyser:
    """Runs one analyser in a thread: ``feed_frame`` never waits, verdicts come on the loop."""

    def __init__(
        self,
        analyser: Analyser,
        on_verdict: Callable[[AnalyserVerdict], None],
    ) -> None:
        self._analyser = analyser
        self._on_verdict = on_verdict
        self._frames: deque[bytes] = deque(maxlen=MAX_PENDING_FRAMES)
        self._fed_ms = 0
        self._fed = asyncio.Event()

    def feed_frame(self, pcm: bytes) -> None:
        self._frames.append(pcm)
        self._fed_ms += FRAME_MS
        self._fed.set()

    async def run(self) -> None:
        """Analyse until cancelled. An analyser that raises is logged and not asked again."""
        loop = asyncio.get_running_loop()
        while True:
            await self._fed.wait()
            self._fed.clear()
            pcm, at_ms = b"".join(self._frames), self._fed_ms
            self._frames.clear()
            try:
                value = await loop.run_in_executor(_threads, self._analyser.analyse, pcm)
            except Exception as bug:
                facts = {"part": self._analyser.name, "code": "internal_error"}
                log_crash(logger, bug, facts, "an analyser crashed")
                self._frames = deque(maxlen=0)
                return
            self._on_verdict(AnalyserVerdict(self._analyser.name, value, at_ms))

"""The person's speech and silence, counted in frames. Every strategy may read it."""

from __future__ import annotations

from dataclasses import dataclass, field

from interaction.core.turn_taking.loudness import Loudness
from interaction.core.types import FRAME_MS, Frame

HYSTERESIS = 0.15
"""How far below the threshold the speech probability must fall before speech counts as over."""


@dataclass(slots=True)
class SpeechActivity:
    """Follows one microphone. Only frames move it, so a test needs no clock; times are kept to
    say when speech began and ended."""

    threshold: float
    """Speech probability, 0..1, from which on a frame is speech."""
    evidence_ms: int = 0
    """Speech shorter than this ends no silence: a click or a cough in it is no going on."""
    speaking: bool = False
    """The latest frame is speech."""
    run_ms: int = 0
    """Length of the present run of speech, as far as it counts (``discard_run``)."""
    held_ms: int = 0
    """Length of what was before it in the same run and still belongs to what is said
    (``hold_run``); it counts as no evidence."""
    run_started_at: float | None = None
    """Monotonic seconds at which the latest run of speech began."""
    silence_ms: int = 0
    """Length of the silence since the latest speech."""
    last_speech_at: float | None = None
    """Monotonic seconds at which the latest frame of speech ended."""
    last_frame_at: float | None = None
    """Monotonic seconds at which the latest frame came."""
    input_ms: int = 0
    """Length of all input audio so far."""
    last_speech_input_ms: int = 0
    """Where in the input audio the latest speech ended, ms."""
    loudness: Loudness = field(default_factory=Loudness)
    _run_discarded: bool = False
    _burst_ms: int = 0
    """Length of the present run of speech, all of it."""

    def on_frame(self, frame: Frame, now: float) -> None:
        self.last_frame_at = now
        self.input_ms += FRAME_MS
        floor = self.threshold - (HYSTERESIS if self.speaking else 0)
        if frame.speech < floor:
            self.speaking = self._run_discarded = False
            self.silence_ms += FRAME_MS
            self.run_ms = self.held_ms = self._burst_ms = 0
            self.loudness.on_frame(frame, speaking=False)
            return
        self.loudness.on_frame(frame, speaking=True)
        if not self.speaking:
            self.run_started_at = now - FRAME_MS / 1000
        self.speaking = True
        self.run_ms += 0 if self._run_discarded else FRAME_MS
        self._burst_ms += FRAME_MS
        if self.silence_ms and self._burst_ms < self.evidence_ms:
            self.silence_ms += FRAME_MS
            return
        self.silence_ms = 0
        self.last_speech_at, self.last_speech_input_ms = now, self.input_ms

    def silent_for(self, ms: int) -> bool:
        """Whether nobody has spoken for so long, to the nearest frame: always to wait for the
        frame after it would make every pause half a frame longer, on average."""
        return self.silence_ms + FRAME_MS // 2 >= ms

    def discard_run(self, *, rest: bool) -> None:
        """Count the present run of speech no further back than now; with ``rest``, not what is
        still to come of it either."""
        self.run_ms = self.held_ms = 0
        self._run_discarded = rest and self.speaking
        if self.speaking:
            self.run_started_at = self.last_frame_at

    def hold_run(self) -> None:
        """Count the present run no further back than now, but keep where it began: if it goes on,
        all of it is meant."""
        self.held_ms += self.run_ms
        self.run_ms = 0

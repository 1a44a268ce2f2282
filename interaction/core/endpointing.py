"""When does somebody start to speak, and when have they finished? Arithmetic over frames."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from interaction.core.config import TurnDetection
from interaction.core.types import FRAME_MS, Frame

LONGEST_HELD_MS = 120_000
HYSTERESIS = 0.15
"""How far below the threshold the probability must fall before speech counts as over."""


@dataclass(slots=True)
class SpeechGate:
    """Follows one microphone: how long speech, or silence, has now lasted.

    Only frames move it, so a test needs no clock; ``now`` is kept to say when speech ended.
    """

    detection: TurnDetection
    speech_ms: int = 0
    """How long the present run of speech has lasted, its short dips included."""
    silence_ms: int = 0
    """How long nobody has spoken."""
    speaking: bool = False
    skipping: bool = False
    """The present run of speech belongs to nothing any more; the next one counts again."""
    last_speech_at: float | None = None
    last_frame_at: float | None = None
    heard_ms: int = 0
    """How much has been heard, from the first frame on."""
    last_speech_ms: int = 0
    """Where in it the latest speech ended."""
    holds_speech: bool = False
    """Somebody has spoken in what is held for a commit."""
    _recent: deque[bytes] = field(default_factory=deque)

    def hear(self, frame: Frame, now: float) -> None:
        self.last_frame_at = now
        self.heard_ms += FRAME_MS
        floor = self.detection.threshold - (HYSTERESIS if self.speaking else 0)
        self.speaking = frame.speech >= floor
        if self.speaking:
            self.speech_ms += 0 if self.skipping else FRAME_MS
            self.silence_ms = 0
            self.last_speech_at, self.last_speech_ms = now, self.heard_ms
        else:
            self.silence_ms += FRAME_MS
            self.speech_ms = 0
            self.skipping = False
        self._recent.append(frame.pcm)

    def onset(self, *, during_reply: bool) -> bool:
        """Whether somebody has been speaking for long enough to mean it."""
        detection = self.detection
        needed = detection.min_barge_in_ms if during_reply else detection.min_speech_ms
        return self.speech_ms >= needed

    def quiet_for(self, ms: int) -> bool:
        """Whether nobody has spoken for so long, to the nearest frame: always to wait for the
        frame after it would make every pause half a frame longer, on average."""
        return self.silence_ms + FRAME_MS // 2 >= ms

    def hold(self) -> None:
        """Keep what was heard for a commit, from a pre-roll before the first speech on."""
        if not self.holds_speech and self.onset(during_reply=False):
            self.holds_speech = True
            self._keep(self.detection.prefix_ms + self.speech_ms)
        self._keep(LONGEST_HELD_MS)

    @property
    def holds_audio(self) -> bool:
        return bool(self._recent)

    def forget(self) -> None:
        """Nothing heard so far belongs to a turn."""
        self._recent.clear()
        self.skip_speech()

    def skip_speech(self) -> None:
        """Let the run of speech that now goes on, if any, open no turn."""
        self.speech_ms = 0
        self.holds_speech = False
        self.skipping = self.speaking and self.detection.kind != "none"

    def pre_roll(self) -> bytes:
        """Take the audio from ``prefix_ms`` before the onset up to now; or all that was held."""
        if self.detection.kind == "none":
            return self.take()
        keep = self._frames(self.detection.prefix_ms + self.speech_ms)
        pcm = b"".join(list(self._recent)[-keep:]) if keep else b""
        self._recent.clear()
        return pcm

    def forget_old(self) -> None:
        """Keep only what a pre-roll could still want; call it while no turn is open."""
        longest = max(self.detection.min_speech_ms, self.detection.min_barge_in_ms)
        self._keep(self.detection.prefix_ms + max(longest, self.speech_ms) + FRAME_MS)

    def take(self) -> bytes:
        """Take what has been heard since the last take, for a turn that is open."""
        pcm = b"".join(self._recent)
        self._recent.clear()
        return pcm

    def _keep(self, ms: int) -> None:
        keep = self._frames(ms)
        while len(self._recent) > keep:
            self._recent.popleft()

    @staticmethod
    def _frames(ms: int) -> int:
        return -(-ms // FRAME_MS)

"""How far a reply's audio may run ahead of the listener's ear. Arithmetic; time is an argument."""

from __future__ import annotations

from dataclasses import dataclass

AHEAD_MS = 10_000


@dataclass(slots=True)
class PlaybackPacing:
    """One reply at a time. A client that has ever reported playback is taken at its word; one
    that never did is taken to play from the first byte on, without a pause."""

    ahead_ms: float | None = AHEAD_MS
    """None: as far as it likes."""
    reports: bool = False
    sent_ms: float = 0.0
    reported_ms: float = 0.0
    began_at: float | None = None

    def begin(self) -> None:
        """Another reply comes; nothing of it has been sent."""
        self.sent_ms = self.reported_ms = 0.0
        self.began_at = None

    def sent(self, ms: float, now: float) -> None:
        self.sent_ms += ms
        if self.began_at is None:
            self.began_at = now

    def reported(self, played_ms: float) -> None:
        self.reports = True
        self.reported_ms = played_ms

    def wait(self, now: float) -> float | None:
        """Seconds until more may go: 0 is now, None is not before the client has reported."""
        if self.began_at is None or self.ahead_ms is None:
            return 0.0
        played = self.reported_ms if self.reports else 1000 * (now - self.began_at)
        too_far = self.sent_ms - played - self.ahead_ms
        if too_far < 0:
            return 0.0
        return None if self.reports else (too_far + 1) / 1000

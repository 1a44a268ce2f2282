"""How far a reply's audio may be sent ahead of its playback. Arithmetic; time is an argument."""

from __future__ import annotations

from dataclasses import dataclass

AHEAD_MS = 10_000


@dataclass(slots=True)
class PlaybackPacing:
    """Paces one reply at a time. A client that has ever reported playback is believed; one that
    never did is assumed to play from the first byte on, without a pause."""

    ahead_ms: float | None = AHEAD_MS
    """Audio that may be sent ahead of playback, ms; None: any amount."""
    has_reports: bool = False
    """The client has reported playback in this session."""
    sent_ms: float = 0.0
    """Audio sent of this reply."""
    reported_ms: float = 0.0
    """Audio played of this reply, by the client's latest report."""
    first_sent_at: float | None = None
    """When the first audio of this reply was sent, monotonic seconds."""

    def start_reply(self) -> None:
        """Another reply comes; nothing of it has been sent."""
        self.sent_ms = self.reported_ms = 0.0
        self.first_sent_at = None

    def on_sent(self, ms: float, now: float) -> None:
        self.sent_ms += ms
        if self.first_sent_at is None:
            self.first_sent_at = now

    def on_playback(self, played_ms: float) -> None:
        """The client has reported how much of this reply it has played."""
        self.has_reports = True
        self.reported_ms = played_ms

    def wait_s(self, now: float) -> float | None:
        """Seconds until more may be sent: 0 is now, None is not before the client reports."""
        if self.first_sent_at is None or self.ahead_ms is None:
            return 0.0
        played = self.reported_ms if self.has_reports else 1000 * (now - self.first_sent_at)
        too_far = self.sent_ms - played - self.ahead_ms
        if too_far < 0:
            return 0.0
        return None if self.has_reports else (too_far + 1) / 1000

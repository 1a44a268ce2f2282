"""What ends every turn at last, however it is otherwise ended."""

from __future__ import annotations

from dataclasses import dataclass

from interaction.core.turn_taking.speech_activity import SpeechActivity
from interaction.core.turn_taking.strategy import End, EndStrategy, Verdict


@dataclass(slots=True)
class TurnLimits:
    """Its greatest length, and a microphone that sends nothing any more."""

    speech: SpeechActivity
    max_turn_ms: int
    stalled_s: float | None
    """Seconds without a frame that end the turn; None: it waits for the next one."""
    opened_at: float = 0.0

    def on_turn_opened(self, now: float) -> None:
        self.opened_at = now

    @property
    def reached_at(self) -> float:
        """Monotonic seconds at which the open turn ends if nothing more comes."""
        longest = self.opened_at + self.max_turn_ms / 1000
        if self.stalled_s is None:
            return longest
        audio_until = max(self.opened_at, self.speech.last_frame_at or 0.0)
        return min(audio_until + self.stalled_s, longest)


class CommitEnd(EndStrategy):
    """A turn ends by the client's commit; at its limits without one."""

    def __init__(self, speech: SpeechActivity, max_turn_ms: int, stalled_s: float | None) -> None:
        self._limits = TurnLimits(speech, max_turn_ms, stalled_s)

    def on_turn_opened(self, now: float) -> None:
        self._limits.on_turn_opened(now)

    def decide(self, now: float) -> Verdict[End]:
        limit = self._limits.reached_at
        return Verdict(End.END) if now >= limit else Verdict(End.GO_ON, limit)

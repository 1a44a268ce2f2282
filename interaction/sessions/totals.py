"""How many turns a session had, and how they ended: counters, whatever the session's length."""

from __future__ import annotations

from dataclasses import dataclass

from interaction.core.records import TurnRecord


@dataclass(frozen=True, slots=True)
class Summary:
    """A session in figures."""

    turns: int
    interrupted: int
    """Turns whose reply was cut off by the person."""
    failed: int
    """Turns that a failure ended."""
    seconds: float
    """From the first to the last moment of the session."""


class TurnTotals:
    """Counts turns by their records. A turn's record may come again, with more facts, while the
    conversation still reaches back to the turn."""

    def __init__(self, amendable: int) -> None:
        """``amendable``: how many of the latest turns may still get another record."""
        self._amendable = amendable
        self._latest: dict[int, tuple[bool, bool]] = {}
        """By sequence, in the order of the turns: whether it was interrupted, whether it failed."""
        self.turns = self.interrupted = self.failed = 0

    def count(self, record: TurnRecord) -> None:
        before = self._latest.get(record.sequence)
        if before is None:
            self.turns += 1
        was_interrupted, had_failed = before or (False, False)
        failed = record.end_reason == "failed"
        self.interrupted += record.interrupted - was_interrupted
        self.failed += failed - had_failed
        self._latest[record.sequence] = (record.interrupted, failed)
        while len(self._latest) > self._amendable:
            del self._latest[next(iter(self._latest))]

    def summary(self, seconds: float) -> Summary:
        return Summary(self.turns, self.interrupted, self.failed, round(seconds, 1))

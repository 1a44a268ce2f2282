"""Who has gone silent? A sans-IO watch over the stages that work for one session.

Times are monotonic seconds of the watching process. Pub/sub may lose messages, so a stage numbers
what it says, and each beat says how much was said: a gap is a loss like any other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from interaction.core.types import Stage

START_WITHIN = 2.0
"""A stage that was queued must say something within this many seconds."""
BEAT_WITHIN = 2.0
AUDIO_WITHIN = 2.0
"""Audio that a finished synthesis has written must have come within this many seconds."""
LONGEST_OUTAGE = 10.0
"""While the line to Redis is down nobody is judged, for this long at most."""
LATE_LOOK = 1.0
"""A look that comes this late means that this process itself stood still."""


class Job(NamedTuple):
    """One run of a stage: for which turn, for which turn or reply, which one of several."""

    stage: Stage
    turn: UUID
    subject: UUID
    n: int = 0


@dataclass(slots=True)
class _Life:
    due: float
    number: int = 0
    heard: bool = False


class StageWatchdog:
    def __init__(self) -> None:
        self._lives: dict[Job, _Life] = {}
        self._audio: dict[Job, float] = {}
        self._looked_at: float | None = None
        self._outage = 0.0

    def queued(self, job: Job, now: float, within: float = START_WITHIN) -> None:
        """``job`` is on its way; ``within`` is longer while its message still has to be sent."""
        life = self._lives.get(job)
        if life is None:
            self._lives[job] = _Life(now + within)
        elif not life.heard:
            life.due = now + within

    def sent(self, job: Job, now: float) -> None:
        """The message of a queued job was taken by the broker."""
        if job in self._lives:
            self.queued(job, now)

    def knows(self, job: Job) -> bool:
        return job in self._lives

    def said(self, job: Job, number: int, now: float) -> bool | None:
        """Message ``number`` of a job came. False: one before it was lost; None: a repeat."""
        life = self._beat(job, now)
        if number < life.number:
            return None
        whole = number == life.number
        life.number = number + 1
        return whole

    def beat(self, job: Job, count: int, now: float) -> bool:
        """The job lives and has said ``count`` things. False: one of them was lost."""
        return count <= self._beat(job, now).number

    def finished(self, job: Job) -> None:
        self._lives.pop(job, None)

    def audio_due(self, job: Job, now: float) -> None:
        """All of a sentence's audio was written, and it is that sentence's turn to come."""
        self._audio[job] = now + AUDIO_WITHIN

    def audio_came(self, job: Job, now: float, *, last: bool) -> None:
        if last:
            self._audio.pop(job, None)
        elif job in self._audio:
            self._audio[job] = now + AUDIO_WITHIN

    def forget(self, which: Callable[[Job], bool]) -> None:
        self._lives = {job: life for job, life in self._lives.items() if not which(job)}
        self._audio = {job: due for job, due in self._audio.items() if not which(job)}

    def look(self, now: float, linked: bool) -> tuple[list[Job], list[Job]]:
        """Return the jobs that are lost, and those whose audio is; both are forgotten.

        ``linked``: whether this process hears its own messages come back through Redis. Time in
        which it does not, or in which this process stood still, counts for nobody.
        """
        passed = now - (self._looked_at if self._looked_at is not None else now)
        self._looked_at = now
        self._outage = 0.0 if linked else self._outage + passed
        if passed > LATE_LOOK or (not linked and self._outage < LONGEST_OUTAGE):
            self._grant(passed)
        lost = [job for job, life in self._lives.items() if life.due <= now]
        silent = [job for job, due in self._audio.items() if due <= now and job not in lost]
        gone = {*lost, *silent}
        self.forget(gone.__contains__)
        return lost, silent

    def _beat(self, job: Job, now: float) -> _Life:
        life = self._lives[job]
        life.due = now + BEAT_WITHIN
        life.heard = True
        return life

    def _grant(self, seconds: float) -> None:
        for life in self._lives.values():
            life.due += seconds
        for job in self._audio:
            self._audio[job] += seconds

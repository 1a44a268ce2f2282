"""Which stages have gone silent? A sans-IO watchdog over the stages that work for one session.

Times are monotonic seconds of the watching process. Reports come by pub/sub, which may lose some:
a stage numbers its reports, and each beat says how many there were, so that a gap is noticed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from interaction.core.types import Stage

START_WITHIN = 2.0
"""Seconds within which a stage that was queued must report."""
BEAT_WITHIN = 2.0
"""Seconds within which a stage that has started must report again."""
AUDIO_WITHIN = 2.0
"""Seconds within which audio that a finished synthesis has written must have come."""
LONGEST_OUTAGE = 10.0
"""Seconds for which no stage is called lost while this process itself hears nothing from Redis."""
LATE_CHECK = 1.0
"""Seconds between two checks from which on this process itself counts as having stood still."""


@dataclass(frozen=True, slots=True)
class Job:
    """One run of a stage."""

    stage: Stage
    turn: UUID
    subject: UUID
    """The reply that it works for, or the turn."""
    index: int = 0
    """The sentence that is synthesised; otherwise which of several runs."""


@dataclass(slots=True)
class _Watched:
    """A job that has not finished."""

    due: float
    """When its next report is overdue."""
    next_number: int = 0
    """Number of the report that must come next."""
    has_started: bool = False


class StageWatchdog:
    def __init__(self) -> None:
        self._jobs: dict[Job, _Watched] = {}
        self._audio_due: dict[Job, float] = {}
        """Syntheses whose audio is on its way, and when the next piece is overdue."""
        self._checked_at: float | None = None
        self._outage = 0.0
        """Seconds for which this process has heard nothing from Redis."""

    def on_queued(self, job: Job, now: float, within: float = START_WITHIN) -> None:
        """``job`` is on its way; ``within`` is longer while its task still has to be published."""
        watched = self._jobs.get(job)
        if watched is None:
            self._jobs[job] = _Watched(now + within)
        elif not watched.has_started:
            watched.due = now + within

    def on_published(self, job: Job, now: float) -> None:
        """The broker has the task of a queued job."""
        if job in self._jobs:
            self.on_queued(job, now)

    def is_watching(self, job: Job) -> bool:
        return job in self._jobs

    def on_report(self, job: Job, number: int, now: float) -> bool | None:
        """Report ``number`` of a watched job came. False: one before it was lost; None: it is a
        repetition."""
        watched = self._on_sign_of_life(job, now)
        if number < watched.next_number:
            return None
        is_next = number == watched.next_number
        watched.next_number = number + 1
        return is_next

    def on_beat(self, job: Job, reports: int, now: float) -> bool:
        """A watched job lives and has sent this many reports. False: one of them was lost."""
        return reports <= self._on_sign_of_life(job, now).next_number

    def on_finished(self, job: Job) -> None:
        self._jobs.pop(job, None)

    def expect_audio(self, job: Job, now: float) -> None:
        """All audio of the sentence that is to be played next was written."""
        self._audio_due[job] = now + AUDIO_WITHIN

    def on_audio(self, job: Job, now: float, *, last: bool) -> None:
        """A piece of the sentence came; ``last``: no other will."""
        if last:
            self._audio_due.pop(job, None)
        elif job in self._audio_due:
            self._audio_due[job] = now + AUDIO_WITHIN

    def forget(self, matches: Callable[[Job], bool]) -> None:
        """Stop watching the jobs for which ``matches(job)`` is true."""
        self._jobs = {job: watched for job, watched in self._jobs.items() if not matches(job)}
        self._audio_due = {job: due for job, due in self._audio_due.items() if not matches(job)}

    def check(self, now: float, linked: bool) -> tuple[list[Job], list[Job]]:
        """Return the jobs that are lost, and those whose audio is; both are forgotten.

        ``linked``: whether this process hears its own messages come back through Redis. Time in
        which it does not, or in which it stood still, is not counted against any job.
        """
        passed = now - (self._checked_at if self._checked_at is not None else now)
        self._checked_at = now
        self._outage = 0.0 if linked else self._outage + passed
        if passed > LATE_CHECK or (not linked and self._outage < LONGEST_OUTAGE):
            self._extend(passed)
        lost = [job for job, watched in self._jobs.items() if watched.due <= now]
        silent = [job for job, due in self._audio_due.items() if due <= now and job not in lost]
        gone = {*lost, *silent}
        self.forget(gone.__contains__)
        return lost, silent

    def _on_sign_of_life(self, job: Job, now: float) -> _Watched:
        watched = self._jobs[job]
        watched.due = now + BEAT_WITHIN
        watched.has_started = True
        return watched

    def _extend(self, seconds: float) -> None:
        for watched in self._jobs.values():
            watched.due += seconds
        for job in self._audio_due:
            self._audio_due[job] += seconds

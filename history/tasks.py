"""The Celery tasks of the history, all on the queue ``default``: none of them is in a hurry, and
each may run again."""

from __future__ import annotations

from celery import shared_task

from history import jobs, orphans, retention
from history.models import Job
from interaction.models import DiscardedFile


@shared_task  # type: ignore[untyped-decorator]
def run_jobs() -> None:
    jobs.run_waiting()


@shared_task  # type: ignore[untyped-decorator]
def tidy() -> None:
    """Let go of expired jobs, and remove the files that are still on the list."""
    for job in Job.objects.expired():
        job.delete()
    while DiscardedFile.remove_files():
        pass


@shared_task  # type: ignore[untyped-decorator]
def prune() -> None:
    """Delete what the limits of retention say."""
    retention.prune()


@shared_task  # type: ignore[untyped-decorator]
def remove_orphans() -> None:
    orphans.remove(orphans.find())

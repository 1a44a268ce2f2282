"""What the history does by itself, all on the queue ``default``: none of it is in a hurry, and each
may run again."""

from __future__ import annotations

import logging

from celery import shared_task
from django.utils import timezone

from history import batches, orphans, retention, room
from history.models import Batch, OfferedValue
from history.silent import sweep_silent
from interaction.models import DiscardedFile

logger = logging.getLogger(__name__)


@shared_task  # type: ignore[untyped-decorator]
def run_batches() -> None:
    batches.run_waiting()


@shared_task  # type: ignore[untyped-decorator]
def tidy() -> None:
    """Let go of expired batches, and remove the files that are still on the list."""
    for batch in Batch.objects.expired():
        batch.delete()
    while DiscardedFile.remove_files():
        pass


@shared_task  # type: ignore[untyped-decorator]
def prune() -> None:
    """Delete what the limits of retention say."""
    retention.prune()


@shared_task  # type: ignore[untyped-decorator]
def remove_orphans() -> None:
    orphans.remove(orphans.find())


@shared_task  # type: ignore[untyped-decorator]
def sweep_silent_sessions() -> None:
    if swept := sweep_silent(timezone.now()):
        logger.info("silent sessions deleted", extra={"sessions": swept})
    OfferedValue.forget_unused()


@shared_task  # type: ignore[untyped-decorator]
def measure_recordings() -> None:
    room.measure()

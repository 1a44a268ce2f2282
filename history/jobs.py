"""Carries out what is to be done to many conversations, a bit at a time, in any process."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.utils import translation

from history.deletion import BATCH, erase_in_batches
from history.export.document import load
from history.export.formats import FORMATS
from history.models import Job
from history.models.job import EXPORTS
from interaction.models import DiscardedFile, Session
from interaction.safe_logging import log_crash

logger = logging.getLogger(__name__)

MOST_AT_ONCE = 2
"""Jobs that run at a time: they are not to take this machine from conversations."""
STORING = timedelta(hours=1)
"""How long the storage may take to take an export in."""


def start(job: Job) -> None:
    """Have it done: at once where it is a deletion of a few, otherwise by a worker, within
    seconds: the beat looks for such jobs."""
    if job.kind == Job.Kind.DELETE and job.total <= BATCH:
        run(job)


def run_waiting() -> None:
    """Do what waits, and go on with what a dead process left behind; nothing where enough is being
    done already."""
    Job.objects.left_lying().update(state=Job.State.WAITING)
    for job in Job.objects.filter(state=Job.State.WAITING).order_by("created_at"):
        if Job.objects.filter(state=Job.State.RUNNING).count() >= MOST_AT_ONCE:
            return
        run(job)


def run(job: Job) -> None:
    """Do what is left of the job, unless another process is at it. What breaks fails the job."""
    if not job.claim():
        return
    try:
        with translation.override(job.language or None):
            if job.kind == Job.Kind.DELETE:
                _delete(job)
            else:
                _export(job)
    except _Stopped:
        return
    except Exception as error:
        log_crash(logger, error, {"code": f"{job.kind}_failed"})
        job.finish("failed")


def _delete(job: Job) -> None:
    done, affected = job.done, job.affected

    def note(past: int, erased: int) -> bool:
        return job.beat(done=done + past, affected=affected + erased)

    erase_in_batches(_ids(job)[done:], note)
    if job.done < job.total:
        return  # cancelled, or another process goes on with it
    if job.person is None:
        job.finish("done")
    elif Session.objects.filter(owner=job.person).exists():
        job.finish("failed")
    else:
        job.person.delete()
        job.finish("done")


def _export(job: Job) -> None:
    # In the data folder: a temporary one may be in memory.
    with tempfile.TemporaryFile(dir=settings.DATA_DIR) as target:
        for piece in FORMATS[job.format].many(_counted(job)):  # type: ignore[index]
            target.write(piece)
        size = target.tell()
        if not job.beat(quiet_for=STORING):
            return
        # Of this run alone: one that was taken over may still write.
        path = f"{EXPORTS}/{job.pk}-{str(job.runner)[:8]}.{job.format}"
        name = default_storage.save(path, File(target))
    if not job.finish("done", file=name, size=size, affected=job.affected):
        DiscardedFile.discard([name])


class _Stopped(Exception):
    """The job was cancelled, or another process has it."""


def _counted(job: Job) -> Iterator[Session]:
    """The job's sessions, with the progress noted."""
    for count, session in enumerate(load(_ids(job)), 1):
        yield session
        if not job.beat(done=count, affected=count):
            raise _Stopped


def _ids(job: Job) -> list[UUID]:
    return [UUID(session) for session in job.sessions]

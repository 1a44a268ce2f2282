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

from history.deletion import CHUNK, erase_in_chunks
from history.export.document import load
from history.export.formats import FORMATS
from history.models import Batch
from history.models.batch import EXPORTS
from interaction.models import DiscardedFile, Session
from interaction.safe_logging import log_crash

logger = logging.getLogger(__name__)

MOST_AT_ONCE = 2
"""Jobs that run at a time: they are not to take this machine from conversations."""
STORING = timedelta(hours=1)
"""How long the storage may take to take an export in."""


def start(batch: Batch) -> None:
    """Have it done: at once where it is a deletion of a few, otherwise by a worker, within
    seconds: the beat looks for such batches."""
    if batch.kind == Batch.Kind.DELETE and batch.total <= CHUNK:
        run(batch)


def run_waiting() -> None:
    """Do what waits, and go on with what a dead process left behind; nothing where enough is being
    done already."""
    Batch.objects.left_lying().update(state=Batch.State.WAITING)
    for batch in Batch.objects.filter(state=Batch.State.WAITING).order_by("created_at"):
        if Batch.objects.filter(state=Batch.State.RUNNING).count() >= MOST_AT_ONCE:
            return
        run(batch)


def run(batch: Batch) -> None:
    """Do what is left of the batch, unless another process is at it. What breaks fails it."""
    if not batch.claim():
        return
    try:
        with translation.override(batch.language or None):
            if batch.kind == Batch.Kind.DELETE:
                _delete(batch)
            else:
                _export(batch)
    except _Stopped:
        return
    except Exception as error:
        log_crash(logger, error, {"code": f"{batch.kind}_failed"})
        batch.finish("failed")


def _delete(batch: Batch) -> None:
    done, affected = batch.done, batch.affected

    def note(past: int, erased: int) -> bool:
        return batch.beat(done=done + past, affected=affected + erased)

    erase_in_chunks(_ids(batch)[done:], note)
    if batch.done < batch.total:
        return  # cancelled, or another process goes on with it
    if batch.person is None:
        batch.finish("done")
    elif Session.objects.filter(owner=batch.person).exists():
        batch.finish("failed")
    else:
        batch.person.delete()
        batch.finish("done")


def _export(batch: Batch) -> None:
    # In the data folder: a temporary one may be in memory.
    with tempfile.TemporaryFile(dir=settings.DATA_DIR) as target:
        for piece in FORMATS[batch.format].many(_counted(batch)):  # type: ignore[index]
            target.write(piece)
        size = target.tell()
        if not batch.beat(quiet_for=STORING):
            return
        # Of this run alone: one that was taken over may still write.
        path = f"{EXPORTS}/{batch.pk}-{str(batch.runner)[:8]}.{batch.format}"
        name = default_storage.save(path, File(target))
    if not batch.finish("done", file=name, size=size, affected=batch.affected):
        DiscardedFile.discard([name])


class _Stopped(Exception):
    """The batch was cancelled, or another process has it."""


def _counted(batch: Batch) -> Iterator[Session]:
    """The batch's sessions, with the progress noted."""
    for count, session in enumerate(load(_ids(batch)), 1):
        yield session
        if not batch.beat(done=count, affected=count):
            raise _Stopped


def _ids(batch: Batch) -> list[UUID]:
    return [UUID(session) for session in batch.sessions]

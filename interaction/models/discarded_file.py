"""Files that belong to no row any more, until they are off the storage."""

from __future__ import annotations

import logging
import posixpath
from collections.abc import Iterable

from django.core.files.storage import default_storage
from django.db import models, transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from interaction.safe_logging import log_crash

logger = logging.getLogger(__name__)

PROMPTLY = 200
"""Files that are removed as soon as a transaction is committed; the rest is left to the beat."""


class DiscardedFile(models.Model):
    """The name of a file that is to be removed from the storage.

    It is written in the transaction that deletes the file's row, so that a process which dies
    between the two loses nothing: whoever comes next removes the file. A name that was discarded is
    never given to another file.
    """

    name = models.CharField(_("name"), max_length=255, unique=True)
    discarded_at = models.DateTimeField(_("discarded"), auto_now_add=True)
    failures = models.PositiveIntegerField(_("failures"), default=0)
    """Times that the storage did not remove it: those come last."""

    class Meta:
        ordering = ("failures", "pk")
        verbose_name = _("file to be removed")
        verbose_name_plural = _("files to be removed")

    def __str__(self) -> str:
        return self.name

    @staticmethod
    def discard(names: Iterable[str | None]) -> None:
        """Have these files removed, once the transaction in hand is committed. Empty names are
        passed over."""
        rows = [DiscardedFile(name=name) for name in names if name]
        if rows:
            DiscardedFile.objects.bulk_create(rows, ignore_conflicts=True)
            transaction.on_commit(DiscardedFile.remove_files)

    @staticmethod
    def remove_files(limit: int = PROMPTLY) -> int:
        """Remove up to ``limit`` files, and then the folders that are left empty; return how many
        are gone. What the storage does not remove stays on the list."""
        gone, failed = [], []
        for row in DiscardedFile.objects.all()[:limit]:
            try:
                default_storage.delete(row.name)
            except Exception as error:
                log_crash(logger, error, {"code": "file_not_removed"})
                failed.append(row.pk)
            else:
                gone.append(row)
        for folder in {posixpath.dirname(row.name) for row in gone}:
            _remove_if_empty(folder)
        if failed:
            DiscardedFile.objects.filter(pk__in=failed).update(failures=F("failures") + 1)
        if gone:
            DiscardedFile.objects.filter(pk__in=[row.pk for row in gone]).delete()
        return len(gone)


def _remove_if_empty(folder: str) -> None:
    """An object storage has no folders, and says so by having no paths."""
    try:
        default_storage.path(folder)
    except NotImplementedError:
        return
    try:
        default_storage.delete(folder)
    except OSError:
        return  # there is something in it

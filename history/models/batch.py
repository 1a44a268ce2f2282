"""Work on many conversations that goes on in the background: deleting them, exporting them."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable
from datetime import timedelta
from typing import Any, Literal, Self

from django.conf import settings
from django.db import models
from django.db.models.signals import post_delete
from django.dispatch import receiver
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from interaction.models import DiscardedFile

STALE = timedelta(minutes=1)
"""A batch whose process has not been heard of for so long is done by another."""
OFFERED = timedelta(days=1)
"""How long the file of an export can be fetched."""
UNCONFIRMED = timedelta(hours=1)
"""How long a deletion that nobody confirmed is remembered."""
EXPORTS = "exports"
"""The storage's folder of them."""


class BatchQuerySet(models.QuerySet["Batch"]):
    def owned_by(self, user: Any) -> Self:
        return self.filter(owner=user)

    def confirmed(self) -> Self:
        return self.exclude(state=Batch.State.DRAFT)

    def left_lying(self) -> Self:
        """Those whose process is not heard of any more."""
        return self.filter(state=Batch.State.RUNNING, beat_at__lt=timezone.now() - STALE)

    def expired(self) -> Self:
        return self.filter(expires_at__lte=timezone.now())


class Batch(models.Model):
    """What is to be done to the sessions that were chosen, and how far it is.

    Its sessions are those of the moment at which it was made: what a person confirms is what they
    were shown. Any process may go on with it after another died, and do a part of it again.
    """

    class Kind(models.TextChoices):
        EXPORT = "export", _("Export")
        DELETE = "delete", _("Deletion")

    class State(models.TextChoices):
        DRAFT = "draft", _("To be confirmed")
        WAITING = "waiting", _("Waiting")
        RUNNING = "running", _("In progress")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="history_batches"
    )
    """Who asked for it."""
    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    format = models.CharField(_("format"), max_length=8, blank=True)
    """Of an export: as in ``history.export.FORMATS``."""
    language = models.CharField(_("language"), max_length=16, blank=True)
    """Of an export's transcripts: of whoever asked for it."""
    sessions = models.JSONField(_("sessions"), default=list)
    """Their ids, as text."""
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    """Of a deletion: who is deleted after their sessions, if anybody."""
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.WAITING)
    done = models.PositiveIntegerField(_("done"), default=0)
    """Sessions that it is past."""
    affected = models.PositiveIntegerField(_("affected"), default=0)
    """Sessions that were deleted, or exported: others were gone already, or are in progress."""
    file = models.FileField(_("file"), blank=True)
    size = models.PositiveBigIntegerField(_("size"), null=True)
    """Bytes of ``file``."""
    runner = models.UUIDField(null=True)
    """The run that has it: another one has taken it over where this is not its own."""
    beat_at = models.DateTimeField(default=timezone.now)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    ended_at = models.DateTimeField(_("ended"), null=True)
    expires_at = models.DateTimeField(_("expires"), null=True)

    objects = BatchQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at",)
        verbose_name = _("batch")
        verbose_name_plural = _("batches")

    def __str__(self) -> str:
        return f"{self.kind} of {self.total}"

    @classmethod
    def of(cls, owner: Any, kind: Batch.Kind, sessions: Iterable[uuid.UUID], **more: Any) -> Batch:
        """A new one, for these sessions, in the order given."""
        more = {"language": get_language() or "", **more}
        return cls.objects.create(
            owner=owner, kind=kind, sessions=[str(session) for session in sessions], **more
        )

    @classmethod
    def draft(cls, owner: Any, sessions: Iterable[uuid.UUID]) -> Batch:
        """A deletion that waits for being confirmed."""
        expires_at = timezone.now() + UNCONFIRMED
        return cls.of(
            owner, cls.Kind.DELETE, sessions, state=cls.State.DRAFT, expires_at=expires_at
        )

    @property
    def total(self) -> int:
        return len(self.sessions)

    @property
    def is_over(self) -> bool:
        return self.state in (self.State.DONE, self.State.FAILED)

    def confirm(self) -> bool:
        """Let it begin; false where it has begun, or is gone."""
        draft = Batch.objects.filter(pk=self.pk, state=self.State.DRAFT)
        if draft.update(state=self.State.WAITING, beat_at=timezone.now(), expires_at=None) != 1:
            return False
        self.state = self.State.WAITING
        return True

    def claim(self) -> bool:
        """Take it for this process; false where it does not wait (any more)."""
        self.runner = uuid.uuid4()
        claimed = Batch.objects.filter(pk=self.pk, state=self.State.WAITING).update(
            state=self.State.RUNNING, runner=self.runner, beat_at=timezone.now()
        )
        return claimed == 1

    def beat(self, *, quiet_for: timedelta = timedelta(0), **progress: int) -> bool:
        """Note the progress; false where the batch was cancelled, or another process has it.

        ``quiet_for``: how much longer than usual nothing may be heard after this.
        """
        for name, value in progress.items():
            setattr(self, name, value)
        return self._mine().update(beat_at=timezone.now() + quiet_for, **progress) == 1

    def finish(self, state: Literal["done", "failed"], **more: Any) -> bool:
        """It is over; false where it was cancelled meanwhile, or another process has it."""
        now = timezone.now()
        over = {"state": state, "ended_at": now, "expires_at": now + OFFERED, **more}
        return self._mine().update(**over) == 1

    def _mine(self) -> BatchQuerySet:
        return Batch.objects.filter(pk=self.pk, state=self.State.RUNNING, runner=self.runner)


@receiver(post_delete, sender=Batch)
def discard_file(instance: Batch, **_: Any) -> None:
    """An export's file goes with its batch, whatever deletes that."""
    DiscardedFile.discard([instance.file.name])


def files_of(names: Collection[str]) -> set[str]:
    """Those of these names that are files of batches."""
    return set(Batch.objects.filter(file__in=names).values_list("file", flat=True))

"""Sessions: one row a conversation."""

from __future__ import annotations

import uuid
from typing import Any, Self

from django.conf import settings
from django.db import models, transaction
from django.db.models import Count, Q
from django.dispatch import Signal
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from interaction.models.discarded_file import DiscardedFile

session_changed = Signal()
"""Sent with ``session_ids`` and ``fields``, the names of what was changed, when rows were changed
by ``QuerySet.update``, which sends no other."""


class SessionQuerySet(models.QuerySet["Session"]):
    def owned_by(self, user: Any) -> Self:
        return self.filter(owner=user)

    def update(self, **values: Any) -> int:
        ids = list(self.values_list("pk", flat=True))
        changed = super().update(**values)
        session_changed.send(self.model, session_ids=ids, fields=frozenset(values))
        return changed

    def with_counts(self) -> Self:
        """Annotate ``turn_count`` and ``interrupted_count``."""
        return self.annotate(
            turn_count=Count("turns"),
            interrupted_count=Count("turns", filter=Q(turns__interrupted=True)),
        )


class Session(models.Model):
    """One conversation, from start_session to its end."""

    class Mode(models.TextChoices):
        CASCADE = "cascade", _("Cascade")
        REALTIME = "realtime", _("Realtime")

    class Status(models.TextChoices):
        CREATED = "created", _("Not started")
        ACTIVE = "active", _("In progress")
        ENDED = "ended", _("Ended")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="sessions"
    )
    title = models.CharField(_("title"), max_length=200, blank=True)
    mode = models.CharField(_("mode"), max_length=16, choices=Mode, default=Mode.CASCADE)
    status = models.CharField(_("status"), max_length=16, choices=Status, default=Status.CREATED)
    settings = models.JSONField(_("settings"), default=dict)
    """The effective ``start_session`` fields: providers, turn detection, rates, switches."""
    system_prompt = models.TextField(_("system prompt"), blank=True)
    recording = models.BooleanField(_("recording kept"), default=True)
    recording_agreed_at = models.DateTimeField(_("recording agreed"), null=True, blank=True)
    """When the person, or their program, asked for its recording; null where nobody did."""
    recording_revoked_at = models.DateTimeField(_("recording revoked"), null=True, blank=True)
    """When they took that back: its audio is gone."""
    end_reason = models.CharField(_("end reason"), max_length=32, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True, db_index=True)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    objects = SessionQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at",)
        # Those in progress are looked for among all that ever were.
        indexes = (models.Index(fields=("status",), name="session_status"),)
        verbose_name = _("session")
        verbose_name_plural = _("sessions")

    def __str__(self) -> str:
        return self.title or str(self.id)

    @classmethod
    def start(cls, session_id: uuid.UUID) -> bool:
        """Claim a created session for one socket; false if another has it or it has ended."""
        claimed = cls.objects.filter(pk=session_id, status=cls.Status.CREATED).update(
            status=cls.Status.ACTIVE, started_at=timezone.now()
        )
        return claimed == 1

    @classmethod
    def end(cls, session_id: uuid.UUID, reason: str) -> None:
        cls.objects.filter(pk=session_id).exclude(status=cls.Status.ENDED).update(
            status=cls.Status.ENDED, ended_at=timezone.now(), end_reason=reason
        )

    def revoke_recording(self) -> None:
        """Take the consent to its recording back: the audio goes, words and figures stay, and
        nothing more of it is recorded where it is in progress. It may be repeated."""
        with transaction.atomic():
            # The archive locks the row, too: a turn that it is writing is either seen here, or
            # written without its audio.
            row = Session.objects.select_for_update().get(pk=self.pk)
            row.recording = False
            row.recording_revoked_at = row.recording_revoked_at or timezone.now()
            row.save(update_fields=("recording", "recording_revoked_at"))
            recorded = self.turns.exclude(user_audio="", agent_audio="")
            DiscardedFile.discard(
                name
                for names in recorded.values_list("user_audio", "agent_audio")
                for name in names
            )
            recorded.update(user_audio="", agent_audio="")
        self.recording, self.recording_revoked_at = False, row.recording_revoked_at

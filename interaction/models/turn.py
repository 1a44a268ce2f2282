"""Turns, with the names of their recordings, and their latencies."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models.fields.files import FieldFile
from django.db.models.signals import post_delete
from django.dispatch import receiver
from django.utils.translation import gettext_lazy as _

from interaction.core.metrics import METRICS
from interaction.models.discarded_file import DiscardedFile
from interaction.models.session import Session


def audio_path(turn: Turn, filename: str) -> str:
    """``audio/<session>/<turn>-<user|agent>.wav``: no name that a person chose."""
    return f"audio/{turn.session_id}/{filename}"


class Turn(models.Model):
    """What the person said and what was answered. Written by ``archive`` alone, idempotently."""

    class Kind(models.TextChoices):
        SPEECH = "speech", _("Spoken")
        TEXT = "text", _("Typed")

    class EndReason(models.TextChoices):
        PLAYED = "played", _("Played to its end")
        HEARD = "heard", _("Heard, not replied to")
        INTERRUPTED = "interrupted", _("Interrupted")
        SUPERSEDED = "superseded", _("The next turn began")
        STOPPED = "stopped", _("Stopped")
        MODE_CHANGED = "mode_changed", _("The mode changed")
        CLIENT_LEFT = "client_left", _("The client went away")
        SESSION_ENDED = "session_ended", _("The session ended")
        TIMEOUT = "timeout", _("Timed out")
        FAILED = "failed", _("Failed")
        ABANDONED = "abandoned", _("The server was lost")

    class Cut(models.TextChoices):
        """Why a reply is less than the model's whole answer."""

        LENGTH = "length", _("The model reached its length limit")
        CONTENT_FILTER = "content_filter", _("The model's content filter stopped it")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="turns")
    sequence = models.PositiveIntegerField(_("sequence"))
    mode = models.CharField(
        _("mode"), max_length=16, choices=Session.Mode, default=Session.Mode.CASCADE
    )
    """The mode of the engine that served it: a session may change from one to the other."""
    kind = models.CharField(_("kind"), max_length=8, choices=Kind, default=Kind.SPEECH)
    transcript = models.TextField(_("transcript"), blank=True)
    reply = models.TextField(_("reply"), blank=True)
    cut = models.CharField(_("cut short"), max_length=16, choices=Cut, blank=True)
    """As in ``interaction.core.types.CutReason``; empty: the reply is the whole answer."""
    heard_text = models.TextField(_("heard text"), blank=True)
    heard_ms = models.PositiveIntegerField(_("heard, ms"), null=True, blank=True)
    interrupted = models.BooleanField(_("interrupted"), default=False)
    end_reason = models.CharField(_("end reason"), max_length=16, choices=EndReason)
    error = models.JSONField(_("error"), null=True, blank=True)
    """{stage, provider, code, message, retryable} of what failed, or null."""
    fallbacks = models.JSONField(_("fallbacks"), default=list, blank=True)
    """[{stage, failed, code, provider}]: which provider stepped in for the first choice."""
    underruns = models.PositiveIntegerField(_("underruns"), default=0)
    opened_ms = models.PositiveIntegerField(_("opened, ms"), null=True, blank=True)
    """On the session's clock, as the five below: ms from its start; null where unknown. Defined in
    ``interaction.core.records.TurnRecord``."""
    user_audio_started_ms = models.PositiveIntegerField(
        _("user's audio started, ms"), null=True, blank=True
    )
    speech_started_ms = models.PositiveIntegerField(_("speech started, ms"), null=True, blank=True)
    speech_ended_ms = models.PositiveIntegerField(_("speech ended, ms"), null=True, blank=True)
    reply_started_ms = models.PositiveIntegerField(_("reply started, ms"), null=True, blank=True)
    reply_ended_ms = models.PositiveIntegerField(_("reply ended, ms"), null=True, blank=True)
    user_audio = models.FileField(_("user's audio"), upload_to=audio_path, blank=True)
    agent_audio = models.FileField(_("agent's audio"), upload_to=audio_path, blank=True)
    user_audio_ms = models.PositiveIntegerField(_("user's audio, ms"), null=True, blank=True)
    agent_audio_ms = models.PositiveIntegerField(_("agent's audio, ms"), null=True, blank=True)
    sentence_starts = models.JSONField(_("sentence starts"), default=list, blank=True)
    """[[character, ms]]: where a sentence begins, in the reply's text and in the agent's audio."""
    started_at = models.DateTimeField(_("started"))
    created_at = models.DateTimeField(_("archived"), auto_now_add=True)

    class Meta:
        ordering = ("sequence",)
        constraints = (
            models.UniqueConstraint(fields=("session", "sequence"), name="one_turn_a_sequence"),
        )
        verbose_name = _("turn")
        verbose_name_plural = _("turns")

    def __str__(self) -> str:
        return f"{self.session_id} #{self.sequence}"

    def audio(self, side: str) -> FieldFile:
        """The recording of ``"user"`` or ``"agent"``; false where there is none."""
        recordings: dict[str, FieldFile] = {"user": self.user_audio, "agent": self.agent_audio}
        return recordings[side]

    @property
    def audio_names(self) -> tuple[str, ...]:
        """Of the recordings that it has, in the storage."""
        return tuple(file.name for file in (self.user_audio, self.agent_audio) if file.name)


@receiver(post_delete, sender=Turn)
def discard_recordings(instance: Turn, **_: Any) -> None:
    """A turn's recordings go with its row, whatever deletes that: a page, the admin site, or the
    end of its session or of a person."""
    DiscardedFile.discard(instance.audio_names)


class TurnLatency(models.Model):
    """Where a turn's milliseconds went; null where unknown. A column a metric of ``METRICS``."""

    turn = models.OneToOneField(
        Turn, on_delete=models.CASCADE, related_name="latency", primary_key=True
    )

    if TYPE_CHECKING:

        def __getattr__(self, column: str) -> float | None: ...

    class Meta:
        verbose_name = _("latency")
        verbose_name_plural = _("latencies")

    def __str__(self) -> str:
        return f"latency of {self.turn_id}"

    def by_metric(self) -> dict[str, float | None]:
        """Metric name to ms, in the order of ``METRICS``."""
        return {metric.name: getattr(self, metric.column) for metric in METRICS}


for _metric in METRICS:
    TurnLatency.add_to_class(_metric.column, models.FloatField(_(_metric.title), null=True))

"""The tools that were run in a turn, grouped by the request that led to them."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from interaction.models.turn import Turn


class Task(models.Model):
    """Groups the tools that one request of the person's led to. Written by ``archive`` alone."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    turn = models.ForeignKey(Turn, on_delete=models.CASCADE, related_name="tasks")

    class Meta:
        ordering = ("turn__sequence",)
        verbose_name = _("task")
        verbose_name_plural = _("tasks")

    def __str__(self) -> str:
        return f"task of {self.turn_id}"


class ToolInvocation(models.Model):
    """A tool that a language model asked for, and what came of it."""

    class Status(models.TextChoices):
        SUCCEEDED = "succeeded", _("Succeeded")
        FAILED = "failed", _("Failed")
        TIMED_OUT = "timed_out", _("Timed out")
        REFUSED = "refused", _("Refused")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="invocations")
    sequence = models.PositiveIntegerField(_("sequence"))
    """Its place among the task's invocations, from 0."""
    tool = models.TextField(_("tool"))
    """As the model named it: there may be no such tool."""
    arguments = models.TextField(_("arguments"))
    """JSON text as the model gave it: it may not be valid."""
    status = models.CharField(_("status"), max_length=16, choices=Status)
    result = models.TextField(_("result"))
    """JSON text, or what went wrong."""
    ms = models.FloatField(_("took, ms"))

    class Meta:
        ordering = ("sequence",)
        verbose_name = _("tool invocation")
        verbose_name_plural = _("tool invocations")

    def __str__(self) -> str:
        return f"{self.tool} ({self.status})"

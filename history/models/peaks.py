"""How loud a turn's recordings are, as it is drawn."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from interaction.models import Turn


class TurnPeaks(models.Model):
    """The loudest sample of each ``hearing.peaks.STEP_MS`` of a turn's recordings, a byte each.

    Made when the conversation is first looked at, and again where their number does not fit the
    recording (any more).
    """

    turn = models.OneToOneField(
        Turn, on_delete=models.CASCADE, related_name="peaks", primary_key=True
    )
    user = models.BinaryField(_("user's"), default=bytes)
    agent = models.BinaryField(_("agent's"), default=bytes)

    class Meta:
        verbose_name = _("peaks")
        verbose_name_plural = _("peaks")

    def __str__(self) -> str:
        return f"peaks of {self.turn_id}"

"""A provider's calls in an hour, of the whole installation."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class ProviderHour(models.Model):
    """What was counted of one provider and model in one stage; ``interaction.provider_calls``
    counts in Redis, and folds that into these rows."""

    hour = models.DateTimeField(_("hour"))
    """Its beginning, in UTC."""
    stage = models.CharField(_("stage"), max_length=16)
    provider = models.CharField(_("provider"), max_length=100)
    model = models.CharField(_("model"), max_length=180, blank=True)
    through = models.BigIntegerField(default=-1)
    """The last minute, counted since 1970, that it has; -1: none yet."""
    calls = models.PositiveIntegerField(_("calls"), default=0)
    given_up = models.PositiveIntegerField(_("given up"), default=0)
    errors = models.JSONField(_("errors"), default=dict)
    """{code: count}."""
    buckets = models.JSONField(default=dict)
    """{bucket: count}, as ``interaction.provider_calls.histogram`` has them."""

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("hour", "stage", "provider", "model"), name="one_row_an_hour"
            ),
        )
        verbose_name = _("provider's hour")
        verbose_name_plural = _("providers' hours")

    def __str__(self) -> str:
        return f"{self.stage} {self.provider} {self.hour:%Y-%m-%d %H:%M}"

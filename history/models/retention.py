"""How long a person's conversations are kept."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

LONGEST_DAYS = 36_500
LARGEST_MB = 100_000_000


class Retention(models.Model):
    """A person's own limits; the installation's hold beside them. Null: none."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="retention",
        primary_key=True,
    )
    days = models.PositiveIntegerField(
        _("days for which conversations are kept"),
        null=True,
        blank=True,
        validators=(MinValueValidator(1), MaxValueValidator(LONGEST_DAYS)),
        help_text=_("Older ones are deleted. Empty: for ever."),
    )
    megabytes = models.PositiveIntegerField(
        _("megabytes of recordings that are kept"),
        null=True,
        blank=True,
        validators=(MinValueValidator(1), MaxValueValidator(LARGEST_MB)),
        help_text=_("Beyond them, the oldest conversations are deleted. Empty: any number."),
    )

    class Meta:
        verbose_name = _("retention")
        verbose_name_plural = _("retention")

    def __str__(self) -> str:
        return f"retention of {self.user_id}"

    @classmethod
    def of(cls, user: Any) -> Retention:
        """What they chose; where they chose nothing, no limits, unsaved."""
        return cls.objects.filter(user=user).first() or cls(user=user)

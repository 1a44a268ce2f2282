"""What a person's sessions can be narrowed by, noted as it comes: to look it up among the sessions
takes longer the more there are, and a page needs it each time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from history.models.summary import SessionSummary

COLUMNS = (
    "language",
    "template",
    "stt",
    "stt_model",
    "llm",
    "llm_model",
    "tts",
    "tts_model",
    "realtime",
    "realtime_model",
)
"""Of ``SessionSummary``."""


class OfferedValue(models.Model):
    """A value that occurs in a column of somebody's summaries. One that no longer does is forgotten
    by the next sweep (``history.tasks``)."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    column = models.CharField(max_length=16)
    value = models.CharField(max_length=200)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("owner", "column", "value"), name="one_offer_a_value"),
        )
        verbose_name = _("offered value")
        verbose_name_plural = _("offered values")

    def __str__(self) -> str:
        return f"{self.column}={self.value}"

    @classmethod
    def note(cls, summaries: Iterable[SessionSummary]) -> None:
        """Offer what these hold."""
        held = {
            (summary.owner_id, column, str(value))
            for summary in summaries
            for column in COLUMNS
            if (value := getattr(summary, column))
        }
        of_owners = cls.objects.filter(owner__in={owner for owner, _column, _value in held})
        new = held - set(of_owners.values_list("owner", "column", "value"))
        OfferedValue.objects.bulk_create(
            [
                OfferedValue(owner_id=owner, column=column, value=value)
                for owner, column, value in new
            ],
            ignore_conflicts=True,
        )

    @classmethod
    def forget_unused(cls) -> None:
        """Offer no longer what no session of the person's holds."""
        for owner in cls.objects.order_by().values_list("owner", flat=True).distinct():
            held = _held_by(owner)
            unused = [
                pk
                for pk, column, value in cls.objects.filter(owner=owner).values_list(
                    "pk", "column", "value"
                )
                if (column, value) not in held
            ]
            cls.objects.filter(pk__in=unused).delete()


def _held_by(owner: Any) -> set[tuple[str, str]]:
    rows = SessionSummary.objects.filter(owner=owner).order_by().values_list(*COLUMNS).distinct()
    return {
        (column, str(value))
        for row in rows
        for column, value in zip(COLUMNS, row, strict=True)
        if value
    }

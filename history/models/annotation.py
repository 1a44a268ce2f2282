"""What a person thinks of a turn."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from interaction.models import Turn

LONGEST_NOTE = 2_000


class TurnAnnotation(models.Model):
    """The owner's note on a turn, and their thumb. No row: neither."""

    class Rating(models.TextChoices):
        UP = "up", _("Thumb up")
        DOWN = "down", _("Thumb down")

    turn = models.OneToOneField(
        Turn, on_delete=models.CASCADE, related_name="annotation", primary_key=True
    )
    note = models.CharField(_("note"), max_length=LONGEST_NOTE, blank=True)
    rating = models.CharField(_("rating"), max_length=4, choices=Rating, blank=True)
    """Empty: none."""
    changed_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("annotation")
        verbose_name_plural = _("annotations")

    def __str__(self) -> str:
        return f"annotation of {self.turn_id}"

    @classmethod
    def of(cls, turn: Turn) -> Self:
        """The turn's, or an empty one that is not stored."""
        return getattr(turn, "annotation", None) or cls(turn=turn)

    @classmethod
    def write(cls, turn: Turn, *, note: str | None = None, rating: str | None = None) -> None:
        """Change what is given; the row goes where nothing is left. ``turn`` has the new one."""
        changes = {"note": note, "rating": rating}
        given = {name: value for name, value in changes.items() if value is not None}
        row, _made = cls._default_manager.update_or_create(turn_id=turn.pk, defaults=given)
        if not row.note and not row.rating:
            row.delete()
            row.turn_id = turn.pk
        turn.annotation = row

"""What a person marks their conversations with: a star, and tags of their own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from interaction.models import Session

LONGEST_TAG = 40
MOST_TAGS = 20
"""That one session may have."""


class Star(models.Model):
    """It is there: the session is starred."""

    session = models.OneToOneField(
        Session, on_delete=models.CASCADE, related_name="star", primary_key=True
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("star")
        verbose_name_plural = _("stars")

    def __str__(self) -> str:
        return f"star of {self.session_id}"

    @classmethod
    def put(cls, sessions: Iterable[Any], starred: bool) -> None:
        """Star these sessions (their ids), or take their stars away."""
        if starred:
            stars = [Star(session_id=pk) for pk in sessions]
            Star.objects.bulk_create(stars, ignore_conflicts=True)
        else:
            cls.objects.filter(session__in=list(sessions)).delete()


class Tag(models.Model):
    """A word of a person's own for conversations; case makes no difference."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(_("name"), max_length=LONGEST_TAG)
    """As it was first written."""
    key = models.CharField(max_length=2 * LONGEST_TAG, editable=False)
    sessions = models.ManyToManyField(Session, related_name="tags", verbose_name=_("sessions"))

    class Meta:
        ordering = ("key",)
        constraints = (models.UniqueConstraint(fields=("owner", "key"), name="one_tag_a_name"),)
        verbose_name = _("tag")
        verbose_name_plural = _("tags")

    def __str__(self) -> str:
        return self.name

    @staticmethod
    def key_of(name: str) -> str:
        return " ".join(name.split()).casefold()[: 2 * LONGEST_TAG]

    @classmethod
    def replace(cls, session: Session, names: Iterable[str]) -> None:
        """Give a session these tags in place of those it had; tags that no session has go."""
        wanted = {cls.key_of(name): " ".join(name.split()) for name in reversed(list(names))}
        wanted.pop("", None)
        with transaction.atomic():
            of_owner = Tag.objects.filter(owner_id=session.owner_id)
            Tag.objects.bulk_create(
                [
                    Tag(owner_id=session.owner_id, key=key, name=name)
                    for key, name in wanted.items()
                ],
                ignore_conflicts=True,
            )
            session.tags.set(of_owner.filter(key__in=wanted))
            of_owner.filter(sessions=None).delete()

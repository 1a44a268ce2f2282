"""Read-only links to a conversation, or to one turn of it, for people without an account."""

from __future__ import annotations

import secrets
import uuid
from datetime import timedelta
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from interaction.models import Session, Turn
from interaction.models.access import digest


class ShareLinkQuerySet(models.QuerySet["ShareLink"]):
    def owned_by(self, user: Any) -> Self:
        return self.filter(owner=user)

    def open(self) -> Self:
        """Neither revoked nor expired."""
        unexpired = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
        return self.filter(unexpired, revoked_at=None, owner__is_active=True)


class ShareLink(models.Model):
    """Whoever has the secret sees the session, or the one turn. Only its hash is kept: the address
    is shown once, when the link is made."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="share_links"
    )
    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="share_links")
    turn = models.ForeignKey(Turn, on_delete=models.CASCADE, null=True, related_name="share_links")
    """Null: the whole session."""
    hashed = models.CharField(max_length=64, unique=True, editable=False)
    hint = models.CharField(_("ends in"), max_length=4, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    """Null: never."""
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    objects = ShareLinkQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at",)
        verbose_name = _("share link")
        verbose_name_plural = _("share links")

    def __str__(self) -> str:
        return f"…{self.hint}"

    @classmethod
    def make(
        cls, session: Session, turn: Turn | None = None, lasts: timedelta | None = None
    ) -> tuple[ShareLink, str]:
        """A new link and its secret, which cannot be had again. ``lasts``: None for ever."""
        secret = secrets.token_urlsafe(32)
        link = cls.objects.create(
            owner_id=session.owner_id,
            session=session,
            turn=turn,
            hashed=digest(secret),
            hint=secret[-4:],
            expires_at=timezone.now() + lasts if lasts else None,
        )
        return link, secret

    @classmethod
    def opened_by(cls, secret: str) -> ShareLink | None:
        """The link that this secret opens, with session and turn; None where there is none (any
        more)."""
        links = cls.objects.open().select_related("session", "turn")
        return links.filter(hashed=digest(secret)).first()

    @property
    def is_open(self) -> bool:
        expired = self.expires_at is not None and self.expires_at <= timezone.now()
        return self.revoked_at is None and not expired

    def revoke(self) -> None:
        ShareLink.objects.filter(pk=self.pk, revoked_at=None).update(revoked_at=timezone.now())

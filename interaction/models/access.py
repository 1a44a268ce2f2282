"""How programs and people get in: API tokens and sign-in links, kept as hashes."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


def digest(secret: str) -> str:
    """SHA-256 is enough for secrets with 256 bits of their own randomness."""
    return hashlib.sha256(secret.encode()).hexdigest()


class ApiToken(models.Model):
    """A program's key. Only its hash is kept: the token is shown once, when it is made."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens"
    )
    hashed = models.CharField(max_length=64, unique=True, editable=False)
    hint = models.CharField(_("ends in"), max_length=4, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    last_used_at = models.DateTimeField(_("last used"), null=True, editable=False)

    class Meta:
        ordering = ("-created_at",)
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")

    def __str__(self) -> str:
        return f"…{self.hint}"

    @classmethod
    def make(cls, user: Any) -> str:
        """Return a new token in the clear; it cannot be had again."""
        token = "pt_" + secrets.token_urlsafe(32)
        cls.objects.create(user=user, hashed=digest(token), hint=token[-4:])
        return token

    @classmethod
    def revoke(cls, token: str) -> None:
        cls.objects.filter(hashed=digest(token)).delete()

    @classmethod
    def owner_of(cls, token: str) -> Any | None:
        """The active user a token belongs to, or None."""
        row = cls.objects.select_related("user").filter(hashed=digest(token)).first()
        if row is None or not row.user.is_active:
            return None
        now = timezone.now()
        if row.last_used_at is None or now - row.last_used_at > timedelta(minutes=1):
            cls.objects.filter(pk=row.pk).update(last_used_at=now)
        return row.user


class SignInLink(models.Model):
    """A link that signs its user in, once, within ten minutes."""

    LIFETIME = timedelta(minutes=10)

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    hashed = models.CharField(max_length=64, unique=True, editable=False)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("sign-in link")
        verbose_name_plural = _("sign-in links")

    def __str__(self) -> str:
        return f"until {self.expires_at:%H:%M}"

    @classmethod
    def make(cls, user: Any) -> str:
        """Return the secret of a new link."""
        secret = secrets.token_urlsafe(32)
        cls.objects.create(
            user=user, hashed=digest(secret), expires_at=timezone.now() + cls.LIFETIME
        )
        return secret

    @classmethod
    def redeem(cls, secret: str) -> Any | None:
        """The user of a link that is fresh and unused, using it up; else None."""
        now = timezone.now()
        used = cls.objects.filter(
            hashed=digest(secret), used_at=None, expires_at__gt=now, user__is_active=True
        ).update(used_at=now)
        if used != 1:
            return None
        return cls.objects.select_related("user").get(hashed=digest(secret)).user

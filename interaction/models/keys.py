"""People's keys at providers and their named endpoints, encrypted at rest."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from interaction import encryption

SHORTEST_HINTED = 12
"""Of a shorter key, four characters would tell too much."""


class Keyed(models.Model):
    """A row with a secret that is encrypted at rest and never shown again."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="%(class)ss"
    )
    sealed = models.TextField(editable=False, blank=True)
    """The key, encrypted; empty where there is none."""
    hint = models.CharField(_("ends in"), max_length=4, editable=False, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        abstract = True

    def keep(self, key: str) -> None:
        """Take ``key``, encrypted; the row is not saved."""
        self.sealed = encryption.encrypt(key) if key else ""
        self.hint = key[-4:] if len(key) >= SHORTEST_HINTED else ""

    @property
    def key(self) -> str:
        """Raises ``encryption.Undecryptable`` where this server's key did not encrypt it."""
        return encryption.decrypt(self.sealed) if self.sealed else ""

    @property
    def is_readable(self) -> bool:
        try:
            return bool(self.key) or not self.sealed
        except encryption.Undecryptable:
            return False


class ProviderCredential(Keyed):
    """A person's own key at one provider, which goes before the server's."""

    account = models.CharField(_("provider"), max_length=64)
    """As in ``interaction.providers.declaration.Provider.name``."""

    class Meta:
        ordering = ("account",)
        constraints = (
            models.UniqueConstraint(fields=("owner", "account"), name="one_key_an_account"),
        )
        verbose_name = _("provider key")
        verbose_name_plural = _("provider keys")

    def __str__(self) -> str:
        return f"{self.account} …{self.hint}"

    @classmethod
    def store(cls, owner: Any, account: str, key: str) -> None:
        """Keep a key in place of the one that was there."""
        row = cls()
        row.keep(key)
        kept = {"sealed": row.sealed, "hint": row.hint}
        cls.objects.update_or_create(owner=owner, account=account, defaults=kept)


class Endpoint(Keyed):
    """A server that speaks OpenAI's protocol, by a name of the person's own.

    It serves the stages for which it names models, the first of them by default.
    """

    KINDS = ("stt", "llm", "tts", "realtime")

    name = models.SlugField(_("name"), max_length=50)
    base_url = models.CharField(_("address"), max_length=500)
    stt_models = models.JSONField(_("models that transcribe"), default=list, blank=True)
    llm_models = models.JSONField(_("models that answer"), default=list, blank=True)
    tts_models = models.JSONField(_("models that speak"), default=list, blank=True)
    realtime_models = models.JSONField(_("realtime models"), default=list, blank=True)
    voices = models.JSONField(_("voices"), default=list, blank=True)
    sample_rate = models.PositiveIntegerField(
        _("samples a second of its speech"),
        default=24_000,
        validators=(MinValueValidator(8_000), MaxValueValidator(96_000)),
    )

    class Meta:
        ordering = ("name",)
        constraints = (
            models.UniqueConstraint(fields=("owner", "name"), name="one_endpoint_a_name"),
        )
        verbose_name = _("endpoint")
        verbose_name_plural = _("endpoints")

    def __str__(self) -> str:
        return self.name

    @property
    def models_by_kind(self) -> dict[str, list[str]]:
        """Of what it serves."""
        named = {kind: getattr(self, f"{kind}_models") for kind in self.KINDS}
        return {kind: names for kind, names in named.items() if names}

"""What a person chose for their last conversation, for the next one to start with."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Preferences(models.Model):
    """What a person chose for their last conversation, as they chose it: empty means the default.

    Fields are those of ``start_session``.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="preferences",
        primary_key=True,
    )
    mode = models.CharField(_("mode"), max_length=16, default="cascade")
    providers = models.JSONField(_("providers"), default=dict)
    """{stt: {name, model, voice, language}, llm: …, tts: …, realtime: …}"""
    fallbacks = models.JSONField(_("fallbacks"), default=dict)
    """{stt: [{name, model, voice, language}, …], llm: …, tts: …}"""
    template_id = models.BigIntegerField(_("prompt template"), null=True)
    """No foreign key: a template that is gone is nobody's loss."""
    system_prompt = models.TextField(_("system prompt"), blank=True)
    tools = models.JSONField(_("tools"), null=True)
    """Names; null where nothing was chosen yet."""
    barge_in_enabled = models.BooleanField(_("speaking interrupts the reply"), default=True)
    turn_detection = models.JSONField(_("turn detection"), default=dict)
    auto_fallback = models.BooleanField(_("the other mode steps in by itself"), default=False)
    recording = models.BooleanField(_("recording kept"), default=True)
    recording_agreed_at = models.DateTimeField(_("recording agreed"), null=True, blank=True)
    """When they first answered yes, on the voice page, to being recorded; null: ask."""

    class Meta:
        verbose_name = _("preferences")
        verbose_name_plural = _("preferences")

    def __str__(self) -> str:
        return f"preferences of {self.user_id}"

    @property
    def recording_agreed(self) -> bool:
        return self.recording_agreed_at is not None

    @classmethod
    def of(cls, user: Any) -> Preferences:
        """What is remembered of them; where nothing is, the defaults, unsaved."""
        return cls.objects.filter(user=user).first() or cls(user=user)

    @classmethod
    def remember(cls, user: Any, **choices: Any) -> Preferences:
        """Keep these fields for the next time; the others stay as they are."""
        return cls.objects.update_or_create(user=user, defaults=choices)[0]

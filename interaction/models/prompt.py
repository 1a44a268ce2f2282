"""Prompt templates: system prompts to choose from."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from interaction.core.languages import primary

ANSWER_IN = (
    "The person speaks the language with the BCP 47 tag {language}: answer in it, unless the "
    "conversation calls for another."
)
"""For the language model, not for people."""


class PromptTemplateQuerySet(models.QuerySet["PromptTemplate"]):
    def active(self) -> Self:
        return self.filter(active=True)


class PromptTemplate(models.Model):
    """A system prompt to choose by its title, in one language."""

    class Language(models.TextChoices):
        """BCP 47 tags, each named in its own language."""

        EN = "en", "English"
        ZH_HANT = "zh-Hant", "繁體中文"

    slug = models.SlugField(
        _("slug"), help_text=_("The same for one template in all its languages.")
    )
    language = models.CharField(_("language"), max_length=16, choices=Language, default=Language.EN)
    title = models.CharField(_("title"), max_length=100)
    text = models.TextField(
        _("text"),
        max_length=20_000,
        help_text=_(
            "What the language model is told first. Its answers are spoken: ask for short "
            "sentences, without lists or Markdown."
        ),
    )
    order = models.PositiveSmallIntegerField(_("order"), default=0)
    active = models.BooleanField(
        _("active"), default=True, help_text=_("Only active templates are offered.")
    )
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("changed by"),
    )
    changed_at = models.DateTimeField(_("changed"), auto_now=True)

    objects = PromptTemplateQuerySet.as_manager()

    class Meta:
        ordering = ("language", "order", "title")
        constraints = (
            models.UniqueConstraint(
                fields=("slug", "language"),
                name="one_template_a_language",
                violation_error_message=_("There is one with this slug in this language."),
            ),
        )
        verbose_name = _("prompt template")
        verbose_name_plural = _("prompt templates")

    def __str__(self) -> str:
        return self.title

    def prompt(self, more: str = "", language: str = "") -> str:
        """The system prompt: the text, and after it what the person adds.

        ``language``: BCP 47 tag of the session's, empty where none was chosen. Where the text is
        in another one, the model is asked to answer in the session's.
        """
        other = language and primary(language) != primary(self.language)
        asked = ANSWER_IN.format(language=language) if other else ""
        return "\n\n".join(part for part in (self.text.strip(), asked, more.strip()) if part)

"""The prompt templates that are offered; the admin site changes them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Router

from interaction.api.errors import ERRORS
from interaction.models import PromptTemplate
from interaction.sessions.settings import LanguageTag, WireModel

router = Router(tags=["templates"])


class Template(WireModel):
    id: int
    slug: str
    """The same for one template in all its languages."""
    language: str
    """A BCP 47 tag."""
    title: str
    text: str
    changed_at: datetime

    @classmethod
    def of(cls, row: PromptTemplate) -> Self:
        return cls.model_validate({name: getattr(row, name) for name in cls.model_fields})


@router.get("", response={200: list[Template], **ERRORS})
def list_templates(request: HttpRequest, language: LanguageTag | None = None) -> Any:
    """In the order in which they are offered, or those in one language alone."""
    rows = PromptTemplate.objects.active()
    if language is not None:
        rows = rows.filter(language__iexact=language)
    return [Template.of(row) for row in rows]


@router.get("/{int:template_id}", response={200: Template, **ERRORS})
def get_template(request: HttpRequest, template_id: int) -> Template:
    return Template.of(get_object_or_404(PromptTemplate.objects.active(), pk=template_id))

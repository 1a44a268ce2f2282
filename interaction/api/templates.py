"""The prompt templates that are offered; the admin site changes them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import P, PathEx, QueryEx, Router

from interaction.api.document import answers
from interaction.api.errors import errors
from interaction.models import PromptTemplate
from interaction.sessions.settings import LanguageTag, WireModel

router = Router(tags=["templates"])


class Template(WireModel):
    """A prompt that is offered by its title."""

    id: int
    """By which a session chooses it: `template_id`."""
    slug: str
    """The same for one template in all its languages."""
    language: str
    """The language it is written in, a BCP 47 tag."""
    title: str
    """What it is called on the voice page."""
    text: str
    """What the language model is told."""
    changed_at: datetime
    """When it was changed last, ISO 8601 in UTC."""

    @classmethod
    def of(cls, row: PromptTemplate) -> Self:
        return cls.model_validate({name: getattr(row, name) for name in cls.model_fields})


Language = QueryEx[LanguageTag | None, P(description="Only those in this language, a BCP 47 tag.")]


@router.get(
    "",
    response={200: list[Template], **errors(422)},
    summary="List the prompt templates",
    openapi_extra=answers({200: "The templates, in the order in which they are offered."}),
)
def list_templates(request: HttpRequest, language: Language = None) -> Any:
    """All templates that are offered, or those in one language alone."""
    rows = PromptTemplate.objects.active()
    if language is not None:
        rows = rows.filter(language__iexact=language)
    return [Template.of(row) for row in rows]


TemplateId = PathEx[int, P(description="The template's `id`, from the list.")]


@router.get(
    "/{int:template_id}",
    response={200: Template, **errors(404, 422)},
    summary="Read a prompt template",
    openapi_extra=answers({200: "The template."}),
)
def get_template(request: HttpRequest, template_id: TemplateId) -> Template:
    """One template with its text. One that is no longer offered is not there."""
    return Template.of(get_object_or_404(PromptTemplate.objects.active(), pk=template_id))

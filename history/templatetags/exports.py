"""The formats in which conversations can be exported, for the menus that offer them."""

from __future__ import annotations

from django import template
from django.utils.translation import gettext

from history.export.formats import FORMATS, FormatName

register = template.Library()


@register.simple_tag
def export_formats() -> list[tuple[FormatName, str]]:
    """(name, label) of each."""
    return [(name, gettext(form.label)) for name, form in FORMATS.items()]

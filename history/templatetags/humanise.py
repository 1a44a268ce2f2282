"""Numbers as people read them."""

from __future__ import annotations

from django import template

register = template.Library()


@register.filter
def grouped(number: float | None) -> str:
    """A whole number, thousands apart by a narrow no-break space, which every language reads; a
    dash for unknown."""
    return "–" if number is None else f"{round(number):,}".replace(",", "\u202f")

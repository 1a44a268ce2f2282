"""Durations as a clock shows them."""

from __future__ import annotations

from datetime import timedelta

from django import template

register = template.Library()


@register.filter
def clock(duration: timedelta | None) -> str:
    """``4:05`` or ``1:04:05``; a dash for unknown."""
    if duration is None:
        return "–"
    minutes, seconds = divmod(round(duration.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"

"""Durations and moments as a clock and a calendar show them."""

from __future__ import annotations

from datetime import datetime, timedelta

from django import template
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import pgettext

register = template.Library()


@register.filter
def clock(duration: timedelta | None) -> str:
    """``4:05`` or ``1:04:05``; a dash for unknown."""
    if duration is None:
        return "–"
    minutes, seconds = divmod(round(duration.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


@register.filter
def position(ms: int) -> str:
    """A place on a conversation's axis: ``4:05.2`` or ``1:04:05.2``."""
    tenths = ms // 100
    minutes, tenths = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{tenths // 10:02}.{tenths % 10}"
    return f"{hours}:{minutes:02}:{seconds}" if hours else f"{minutes}:{seconds}"


@register.filter
def clock_of_ms(ms: int | None) -> str:
    """The same of milliseconds."""
    return clock(None if ms is None else timedelta(milliseconds=ms))


@register.filter
def moment(at: datetime) -> str:
    """``21 Nov 2026, 14:05``, in the viewer's time zone, in the order that the language puts it."""
    return date_format(timezone.localtime(at), pgettext("format of a date and time", "j M Y, H:i"))

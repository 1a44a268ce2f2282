"""Sizes, spans of time and rates of the page *Status*."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

register = template.Library()

MINUTE, HOUR, DAY = 60, 3600, 86_400


@register.filter
def size(count: int | None) -> str:
    """``1.4 GB``; a dash for unknown."""
    return "–" if count is None else filesizeformat(count)


@register.filter
def span(seconds: float | None) -> str:
    """``12 s``, ``4 min``, ``3 h 5 min`` or ``2 days``; a dash for unknown."""
    if seconds is None:
        return "–"
    whole = int(seconds)
    if whole < MINUTE:
        return _("%(count)d s") % {"count": whole}
    if whole < HOUR:
        return _("%(count)d min") % {"count": whole // MINUTE}
    if whole < DAY:
        parts = {"hours": whole // HOUR, "minutes": whole % HOUR // MINUTE}
        return _("%(hours)d h %(minutes)d min") % parts
    days = whole // DAY
    return ngettext("%(count)d day", "%(count)d days", days) % {"count": days}


@register.filter
def span_of_ms(ms: float | None) -> str:
    """The same of milliseconds; below one second in these."""
    if ms is not None and ms < 1000:
        return _("%(count)d ms") % {"count": ms}
    return span(None if ms is None else ms / 1000)


@register.filter
def ago(ms: float) -> str:
    """How long ago something was that comes every second: ``just now``, ``4 s ago``."""
    if ms < 1500:
        return _("just now")
    return _("%(time)s ago") % {"time": span(ms / 1000)}


@register.filter
def rate(share: float | None) -> str:
    """``2.5 %``; a dash for unknown. What is more than nothing never looks like nothing, nor what
    is less than all like all."""
    if share is None:
        return "–"
    if 0 < share < 0.001:
        return "< 0.1 %"
    if 0.999 < share < 1:
        return "> 99.9 %"
    return f"{100 * share:.0f} %" if share in (0, 1) else f"{100 * share:.1f} %"


@register.filter
def minute(at: datetime) -> str:
    """``14:05``, in the viewer's time zone."""
    return date_format(timezone.localtime(at), "H:i")


@register.filter
def second(at: datetime) -> str:
    """``14:05:09``, in the viewer's time zone."""
    return date_format(timezone.localtime(at), "H:i:s")


@register.filter
def taken(total: int | None, free: int | None) -> str:
    """How much of a disk is taken, in percent of it, for the width of a bar; empty for unknown."""
    return "" if total is None or free is None else f"{100 * (total - free) / max(total, 1):.1f}"

"""Small pictures of a conversation's figures, made by the server as SVG, with their words."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from history.models import SessionSummary

register = template.Library()

WIDTH, HEIGHT = 120.0, 28.0
WIDEST = 12.0
"""Of a turn, with the space beside it."""


@register.inclusion_tag("history/_turns_picture.html")
def turns_picture(summary: SessionSummary, scale_ms: float) -> dict[str, Any]:
    """Draw the total of each turn as a bar, and p50 and p95 across them.

    ``scale_ms``: fills the whole height.
    """
    totals = summary.totals
    step = min(WIDEST, WIDTH / max(1, len(totals)))
    bars = [
        {
            "x": f"{number * step:.1f}",
            "width": f"{step * 0.75:.1f}",
            "y": f"{_top(total, scale_ms):.1f}",
            "height": f"{HEIGHT - _top(total, scale_ms):.1f}",
        }
        for number, total in enumerate(totals)
        if total is not None
    ]
    unknown = [
        f"{number * step + step * 0.375:.1f}"
        for number, total in enumerate(totals)
        if total is None
    ]
    return {
        "bars": bars,
        "unknown": unknown,
        "width": f"{max(1, len(totals)) * step:.1f}",
        "p50": None if summary.p50_ms is None else f"{_top(summary.p50_ms, scale_ms):.1f}",
        "p95": None if summary.p95_ms is None else f"{_top(summary.p95_ms, scale_ms):.1f}",
        "text": _in_words(summary, len(unknown)),
    }


def _top(ms: float, scale_ms: float) -> float:
    return HEIGHT * (1 - min(1.0, ms / scale_ms))


def _in_words(summary: SessionSummary, unknown: int) -> str:
    if summary.p50_ms is None or summary.p95_ms is None:
        return _("No turn has a total.")
    words = _("Totals of the turns: median %(p50)d ms, 95th percentile %(p95)d ms") % {
        "p50": round(summary.p50_ms),
        "p95": round(summary.p95_ms),
    }
    if not unknown:
        return words
    others = ngettext("%(count)d without one", "%(count)d without one", unknown)
    return f"{words}; {others % {'count': unknown}}"

"""Latencies on a page: a bar by stage, and figures in whole milliseconds."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.translation import gettext

from history.waterfall import lay_out
from interaction.core.metrics import METRICS
from interaction.models import TurnLatency
from interaction.ui_strings import ui_strings

register = template.Library()


@register.filter
def milliseconds(ms: float | None) -> str:
    """Whole milliseconds; a dash for unknown."""
    return "–" if ms is None else str(round(ms))


@register.filter
def seconds(ms: float | None) -> str:
    """Seconds with one decimal; a dash for unknown."""
    return "–" if ms is None else f"{ms / 1000:.1f}"


@register.inclusion_tag("history/_waterfall.html")
def waterfall(latency: TurnLatency, longest: float | None = None) -> dict[str, Any]:
    """Draw one turn's bar. ``longest``: the ms that fill the whole width (default: its own)."""
    total, segments = lay_out(latency.by_metric())
    strings = ui_strings()
    scale = 100 / max(longest or 0, total or 0, 1)
    return {
        "total": total,
        "bars": [
            {
                "stage": segment.stage,
                "label": strings[f"stage_{segment.stage}"],
                "ms": segment.ms,
                "x": f"{segment.start * scale:.2f}",
                "width": f"{segment.ms * scale:.2f}",
            }
            for segment in segments
        ],
    }


@register.inclusion_tag("history/_figures.html")
def figures(latency: TurnLatency) -> dict[str, Any]:
    """List every metric of one turn with its ms."""
    values = latency.by_metric()
    return {
        "rows": [
            {
                "label": gettext(metric.label),
                "stage": metric.stage,
                "ms": values[metric.name],
            }
            for metric in METRICS
        ]
    }


@register.filter
def total(latency: TurnLatency) -> float | None:
    """The ms at the end of the bar."""
    return lay_out(latency.by_metric())[0]

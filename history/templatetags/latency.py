"""Latencies on a page: a bar by stage, and figures in whole milliseconds."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.translation import gettext

from history.waterfall import lay_out, total_metric
from interaction.core.metrics import METRICS
from interaction.models import Turn
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


@register.filter
def figures(turn: Turn) -> list[float | None]:
    """Its ms by ``METRICS``; nothing is known of a turn without figures."""
    if not hasattr(turn, "latency"):
        return [None] * len(METRICS)
    return list(turn.latency.by_metric().values())


@register.inclusion_tag("history/_timing.html")
def timing(turn: Turn, longest: float | None = None, median: float | None = None) -> dict[str, Any]:
    """Draw one turn's bar, its total by its name, and every figure.

    ``longest``: the ms that fill the whole width (default: its own). ``median``: of the
    conversation, which lies behind the bar.
    """
    values = turn.latency.by_metric()
    total, segments = lay_out(values)
    strings = ui_strings()
    scale = 100 / max(longest or 0, total or 0, 1)
    return {
        "number": turn.sequence,
        "total": total,
        "total_name": strings[f"total_{total_metric(values) or 'ear'}"],
        "ghost": None if median is None else f"{min(100, median * scale):.2f}",
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
        "rows": [
            {
                "label": gettext(metric.label),
                "stage": metric.stage,
                "ms": values[metric.name],
            }
            for metric in METRICS
        ],
    }

"""Latencies on a page: a bar by stage, and figures in whole milliseconds."""

from __future__ import annotations

from typing import Any

from django import template
from django.forms.models import model_to_dict

from interaction.models import TurnLatency
from interaction.waterfall import lay_out
from interaction.wording import metric_labels, talk_words

register = template.Library()

METRICS = {
    "end_of_turn_delay": "end_of_turn",
    "transcription_delay": "stt",
    "llm_ttft": "llm",
    "llm_ttfs": "llm",
    "tts_ttfb": "tts",
    "e2e": "",
    "ear": "playout",
    "yield": "",
}
"""Metric to the stage whose colour it has."""


def metrics() -> list[dict[str, str]]:
    """Every metric in the order of display: [{name, stage, label}]."""
    labels = metric_labels()
    return [
        {"name": name, "stage": stage, "label": labels[name]} for name, stage in METRICS.items()
    ]


def values(latency: TurnLatency) -> dict[str, float | None]:
    """Metric to ms, named as in the protocol."""
    row = model_to_dict(latency)
    return {metric: row["yield_ms" if metric == "yield" else metric] for metric in METRICS}


@register.filter
def milliseconds(ms: float | None) -> str:
    """Whole milliseconds; a dash for unknown."""
    return "–" if ms is None else str(round(ms))


@register.filter
def seconds(ms: float | None) -> str:
    """Seconds with one decimal; a dash for unknown."""
    return "–" if ms is None else f"{ms / 1000:.1f}"


@register.inclusion_tag("interaction/_waterfall.html")
def waterfall(latency: TurnLatency, longest: float | None = None) -> dict[str, Any]:
    """Draw one turn's bar. ``longest``: the ms that fill the whole width (default: its own)."""
    total, segments = lay_out(values(latency))
    words = talk_words()
    scale = 100 / max(longest or 0, total or 0, 1)
    return {
        "total": total,
        "bars": [
            {
                "stage": segment.stage,
                "label": words[f"stage_{segment.stage}"],
                "ms": segment.ms,
                "x": f"{segment.start * scale:.2f}",
                "width": f"{segment.ms * scale:.2f}",
            }
            for segment in segments
        ],
    }


@register.inclusion_tag("interaction/_figures.html")
def figures(latency: TurnLatency) -> dict[str, Any]:
    """List every metric of one turn with its ms."""
    measured = values(latency)
    return {"rows": [metric | {"ms": measured[metric["name"]]} for metric in metrics()]}


@register.filter
def total(latency: TurnLatency) -> float | None:
    """The ms at the end of the bar."""
    return lay_out(values(latency))[0]

"""A turn's latency laid out as one bar by stage.

``static/talk/waterfall.js`` does the same in the browser for a live turn; a test holds the two to
one answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from interaction.core.metrics import Segment as StageName


@dataclass(frozen=True, slots=True)
class Segment:
    """One stage's part of the bar, in ms from the person's end of speech."""

    stage: StageName
    start: float
    ms: float


def lay_out(latency: Mapping[str, float | None]) -> tuple[float | None, list[Segment]]:
    """Return the total in ms (None where unknown) and the segments, which never overlap.

    The line begins with the end of speech. The reply's first byte left at ``e2e``; stages that
    began before the turn was sure to have ended are set back from there.
    """

    def ms(metric: str) -> float:
        return latency.get(metric) or 0.0

    end_of_turn = ms("end_of_turn_delay")
    heard = max(end_of_turn, ms("transcription_delay"))
    llm, tts = ms("llm_ttfs"), ms("tts_ttfb")
    e2e, ear = latency.get("e2e"), latency.get("ear")
    sent = heard + llm + tts if e2e is None else e2e
    tts_from = min(heard + llm, max(0.0, sent - tts))
    llm_from = min(heard, max(0.0, tts_from - llm))
    spans: tuple[tuple[StageName, float, float], ...] = (
        ("end_of_turn", 0.0, end_of_turn),
        ("stt", end_of_turn, heard),
        ("llm", llm_from, llm_from + llm),
        ("tts", tts_from, tts_from + tts),
        # Only from the server's own figure on: before that it is not known what was playout.
        ("playout", sent, sent if e2e is None or ear is None else ear),
    )
    segments: list[Segment] = []
    drawn = 0.0
    for stage, begin, end in spans:
        start = max(begin, drawn)
        if end > start:
            segments.append(Segment(stage, start, end - start))
            drawn = end
    return total_ms(latency), segments


def total_ms(latency: Mapping[str, float | None]) -> float | None:
    """The time to the first sound, in ms: ``ear``, else ``e2e``; never a sum of what is known."""
    metric = total_metric(latency)
    return latency[metric] if metric else None


def total_metric(latency: Mapping[str, float | None]) -> Literal["ear", "e2e"] | None:
    """What the total is measured to: the first sound at the person's ear, or the first audio that
    left the server."""
    if latency.get("ear") is not None:
        return "ear"
    return None if latency.get("e2e") is None else "e2e"


def extent(latency: Mapping[str, float | None]) -> float:
    """How far the bar reaches, in ms; 0 of nothing."""
    total, segments = lay_out(latency)
    return max([total or 0.0, *(segment.start + segment.ms for segment in segments)])

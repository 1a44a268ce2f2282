"""What of a turn's total each stage took: the segments of its waterfall, by stage."""

from __future__ import annotations

from collections.abc import Mapping

from history.waterfall import lay_out, total_ms
from interaction.models import Session, Turn

STAGES = ("end_of_turn", "stt", "llm", "tts", "realtime", "playout")
"""In the order in which they follow each other."""


def parts_of(turn: Turn) -> dict[str, float]:
    """{stage: ms} of the stages that are known. ``turn``: with its latency, if it has one."""
    latency = turn.latency.by_metric() if hasattr(turn, "latency") else {}
    if turn.mode == Session.Mode.REALTIME:
        return _realtime_parts(latency)
    return {segment.stage: segment.ms for segment in lay_out(latency)[1]}


def _realtime_parts(latency: Mapping[str, float | None]) -> dict[str, float]:
    """One provider's answer, from the end of the turn until its first audio, takes the place of
    three stages; the transcript is made beside it."""
    marks = [latency.get(metric) for metric in ("end_of_turn_delay", "e2e", "ear")]
    begins = [0.0, *marks]
    return {
        stage: end - begin
        for stage, begin, end in zip(
            ("end_of_turn", "realtime", "playout"), begins, marks, strict=False
        )
        if begin is not None and end is not None and end > begin
    }


def total_of(turn: Turn) -> float | None:
    return total_ms(turn.latency.by_metric()) if hasattr(turn, "latency") else None

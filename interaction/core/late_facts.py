"""What is learnt of a turn beside its phases: metrics, costs, who served it, what was played.

It comes for the live turn and, late, for closed ones, whose record is then archived again. Each
function notes what came; one returns whether that changes a record.
"""

from __future__ import annotations

from interaction.core.commands import PlaybackReport
from interaction.core.context_window import TokenEstimate
from interaction.core.events import MetricMeasured, UsageReported
from interaction.core.reply import Reply
from interaction.core.turn import Phase, Turn
from interaction.core.types import Message


def note_metric(turn: Turn, event: MetricMeasured) -> bool:
    """Of a closed turn, only what was unknown is noted; a metric that nobody declares never is."""
    if event.metric not in turn.latency:
        return False
    if turn.phase is Phase.CLOSED and turn.latency[event.metric] is not None:
        return False
    turn.latency[event.metric] = round(event.ms, 1)
    return True


def note_usage(turn: Turn, event: UsageReported, estimate: TokenEstimate) -> None:
    words = [Message("user", turn.transcript or "")] if turn.kind == "speech" else []
    if turn.context:
        estimate.correct([*turn.context, *words], event.prompt_tokens)


def note_playback(turn: Turn, reply: Reply, report: PlaybackReport, now: float) -> None:
    reply.on_playback(report.played_ms, now, ended=report.ended, paused=report.paused)
    turn.progress_at = now
    turn.underruns = max(turn.underruns, report.underruns)
    for metric, ms in (("ear", report.ear_ms), ("yield", report.yield_ms)):
        if ms is not None:
            turn.latency[metric] = ms

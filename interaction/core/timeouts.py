"""When a turn must be looked at again if nothing happens. All in monotonic seconds."""

from __future__ import annotations

from interaction.core.config import TurnDetection
from interaction.core.turn import Turn

STALLED_S = 1.5
"""A microphone that sends nothing for this long has been muted: the open turn ends."""
STALLED_MANUAL_S = 10.0
"""The same where the client itself says when the turn ends."""
NO_PROGRESS_S = 60.0
"""Backstop: a turn in which no stage says anything for this long has failed."""
PLAYBACK_SILENT_S = 30.0
"""A client that has reported playback and then says nothing for this long has stopped playing."""


def next_timeout(turn: Turn, detection: TurnDetection, last_frame_at: float | None) -> float:
    """The time at which this turn's present wait has lasted too long."""
    if not turn.committed:
        longest = turn.opened_at + detection.max_turn_ms / 1000
        if detection.kind == "none":
            return longest
        stalled = STALLED_S if detection.kind == "vad" else STALLED_MANUAL_S
        return min((last_frame_at or turn.opened_at) + stalled, longest)
    reply = turn.reply
    if reply is None or reply.first_left_at is None:
        return turn.progress_at + NO_PROGRESS_S
    if reply.reported_at is not None:
        return max(reply.reported_at, turn.progress_at) + PLAYBACK_SILENT_S
    played_out = reply.first_left_at + reply.audio_ms / 1000
    if reply.all_left:
        return played_out
    return max(turn.progress_at + NO_PROGRESS_S, played_out + PLAYBACK_SILENT_S)

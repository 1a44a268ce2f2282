"""When a committed turn must be looked at again if nothing happens. All in monotonic seconds.

Of an open turn, the strategy of its end says that itself.
"""

from __future__ import annotations

from interaction.core.turn import Turn

NO_PROGRESS_S = 60.0
"""Backstop: a turn in which no stage reports anything for this long has failed."""
PLAYBACK_SILENT_S = 30.0
"""A client that has reported playback and then reports nothing for this long plays no more."""
PAUSED_S = 600.0
"""For how long a reply may be paused."""


def next_timeout(turn: Turn) -> float:
    """The time at which this turn's present wait has lasted too long."""
    reply = turn.reply
    if reply is None or reply.first_sent_at is None:
        return turn.progress_at + NO_PROGRESS_S
    if reply.paused_at is not None:
        return reply.paused_at + PAUSED_S
    if reply.reported_at is not None or reply.is_reported:
        reported_at = reply.first_sent_at if reply.reported_at is None else reply.reported_at
        return max(reported_at, turn.progress_at) + PLAYBACK_SILENT_S
    played_out = reply.first_sent_at + reply.audio_ms / 1000
    if reply.all_sent:
        return played_out
    return max(turn.progress_at + NO_PROGRESS_S, played_out + PLAYBACK_SILENT_S)

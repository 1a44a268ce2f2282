"""Every way in which a turn can end, as one table: what was heard of its reply, and what follows.

| ending          | when                                                            |
|-----------------|-----------------------------------------------------------------|
| `played`        | the reply was played to its end, or had no audio                |
| `heard`         | it was transcribed, and nobody asked for a reply                |
| `interrupted`   | the person spoke, or sent a line, over a reply that could be heard |
| `superseded`    | the next turn came before the reply was audible                 |
| `stopped`       | the person stopped the reply, or with it the session            |
| `mode_changed`  | another engine took the session over while a reply was made or played |
| `client_left`   | the client closed, or its connection was lost, in mid-reply     |
| `session_ended` | the server ended the session in mid-reply: its time was up, it stops |
| `timeout`       | the client took no audio, or stopped reporting playback         |
| `failed`        | a stage gave up, or nothing came for too long                   |
| `dropped`       | there was no speech in it, or it was dropped while it was open  |

Of a turn whose web process died (``abandoned`` in the archive), the latest report of playback was
noted in Redis (``orders.NotePlayback``), and counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from interaction.core.news import Failure, News, ReplyEnded, ReplyInterrupted, SpeechEnded
from interaction.core.types import EndReason

Ending = EndReason | Literal["dropped"]


@dataclass(frozen=True, slots=True)
class TurnEnding:
    end_reason: EndReason | None
    """Reason in the turn's record (``CloseTurn``); None: nothing is archived (``DropTurn``)."""
    heard: Literal["reported", "by now", "nothing"]
    """How it is found out how much of the reply was heard.

    ``reported``: the client's latest report as it stands; nothing beyond it is known.
    ``by now``: that report, carried on by the clock for as long as ``reply.CARRIED_ON_MS``: the
    client is there, and plays until it is told. Its last report, which follows, sets this right.
    Of a client that never reports, what the clock says since its first audio was sent, with both.
    """
    reply_kept: Literal["whole", "heard"]
    """What of the reply stays in the conversation: in the context of the next turns, and where it
    is shown."""
    news: type[News] | None
    """What tells the client that nothing more comes of this turn; None: there is no client, or it
    is told that the session has ended.

    ``ReplyInterrupted`` is sent as the turn ends, wherever a reply had been asked for, begun or
    not. The others have been sent before: as the last audio left, the stage failed, or the open
    turn was dropped. What was heard is told by ``ReplyHeard``, after any ending."""
    cancels_reply: bool
    """Whether the engine is ordered to stop the reply (for a failed one it was, as it failed)."""
    shown: str
    """What a page shows of the reply."""
    by_person: bool = False
    """Whether the person cut the reply off: the record's ``interrupted``."""


_CUT_OFF = "what was heard, and where it was cut off"

ENDINGS: Mapping[Ending, TurnEnding] = {
    "played": TurnEnding("played", "reported", "whole", ReplyEnded, False, "all of it"),
    "heard": TurnEnding(
        "heard", "nothing", "whole", ReplyInterrupted, False, "nothing: there was none"
    ),
    "interrupted": TurnEnding(
        "interrupted", "by now", "heard", ReplyInterrupted, True, _CUT_OFF, by_person=True
    ),
    "superseded": TurnEnding(
        "superseded", "by now", "heard", ReplyInterrupted, True, "that nothing was heard"
    ),
    "stopped": TurnEnding(
        "stopped", "by now", "heard", ReplyInterrupted, True, _CUT_OFF, by_person=True
    ),
    "mode_changed": TurnEnding("mode_changed", "by now", "heard", ReplyInterrupted, True, _CUT_OFF),
    "client_left": TurnEnding("client_left", "reported", "heard", None, False, _CUT_OFF),
    "session_ended": TurnEnding("session_ended", "reported", "heard", None, False, _CUT_OFF),
    "timeout": TurnEnding("timeout", "reported", "heard", ReplyInterrupted, True, _CUT_OFF),
    "failed": TurnEnding(
        "failed", "reported", "heard", Failure, False, "what was heard, and the error"
    ),
    "dropped": TurnEnding(
        None, "nothing", "whole", SpeechEnded, False, "nothing: the turn has no row"
    ),
}

HANG_UPS: Mapping[str, Ending] = {
    "ended": "stopped",
    "client_left": "client_left",
    "client_too_slow": "client_left",
}
"""How a turn in progress ends with its session, by the session's end reason; by any other one, it
is ``session_ended``."""

KEPT_WHOLE = frozenset(one.end_reason for one in ENDINGS.values() if one.reply_kept == "whole")
"""End reasons of the turns whose reply is kept as a whole."""

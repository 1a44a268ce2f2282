"""Every way in which a turn can end, as one table.

| ending        | when                                                            |
|---------------|-----------------------------------------------------------------|
| `played`      | the reply was played to its end, or had no audio                |
| `heard`       | it was transcribed, and nobody asked for a reply                |
| `interrupted` | the person cut off a reply that could be heard                  |
| `superseded`  | the next turn came before the reply was audible, or another engine |
| `client_left` | the client went away while a reply was made or played           |
| `timeout`     | the client took no audio, or stopped reporting playback         |
| `failed`      | a stage gave up, or nothing came for too long                   |
| `dropped`     | there was no speech in it, or it was dropped while it was open  |
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
    reply_kept: Literal["whole", "heard"]
    """What of the reply stays in the conversation: in the context of the next turns, and where it
    is shown."""
    news: type[News] | None
    """What tells the client that nothing more comes of this turn; None: there is no client.

    ``ReplyInterrupted`` is sent as the turn ends, wherever a reply had been asked for, begun or
    not. The others have been sent before: as the last audio left, the stage failed, or the open
    turn was dropped."""
    cancels_reply: bool
    """Whether the engine is ordered to stop the reply (for a failed one it was, as it failed)."""
    shown: str
    """What a page shows of the reply."""


ENDINGS: Mapping[Ending, TurnEnding] = {
    "played": TurnEnding("played", "whole", ReplyEnded, False, "all of it"),
    "heard": TurnEnding("heard", "whole", ReplyInterrupted, False, "nothing: there was none"),
    "interrupted": TurnEnding(
        "interrupted", "heard", ReplyInterrupted, True, "what was heard, and where it was cut off"
    ),
    "superseded": TurnEnding(
        "superseded", "heard", ReplyInterrupted, True, "what was heard: mostly nothing"
    ),
    "client_left": TurnEnding("client_left", "heard", None, False, "what was heard"),
    "timeout": TurnEnding(
        "timeout", "heard", ReplyInterrupted, True, "what was heard, and where it was cut off"
    ),
    "failed": TurnEnding("failed", "heard", Failure, False, "what was heard, and the error"),
    "dropped": TurnEnding(None, "whole", SpeechEnded, False, "nothing: the turn has no row"),
}

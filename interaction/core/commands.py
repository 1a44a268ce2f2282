"""What a client asks of the turn machine. Frozen values; the time travels beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from interaction.core.types import Message, ResponseOptions


@dataclass(frozen=True, slots=True)
class SendText:
    """A typed turn."""

    text: str


@dataclass(frozen=True, slots=True)
class CommitTurn:
    """The person's turn ends here (push to talk, or an uploaded file at its end)."""

    respond: bool | None = None
    """Whether the turn is to be replied to; None: as ``ConversationConfig.respond_when`` says."""


@dataclass(frozen=True, slots=True)
class ClearAudio:
    """Drop the open turn, and the input audio that belongs to none."""


@dataclass(frozen=True, slots=True)
class CreateResponse:
    """Reply now: to the turn that waits for it, else to the context alone."""

    reply_id: UUID
    """Id of the reply, chosen by the client, who so knows it when it comes."""
    options: ResponseOptions | None = None
    """Options of this reply; None: the conversation's own."""
    context: tuple[Message, ...] | None = None
    """All messages that the language model gets; None: the conversation's own context."""
    out_of_band: bool = False
    """Whether it is no part of the conversation: then it interrupts nothing, is interrupted by
    nothing, and is not archived."""
    append_transcript: bool = True
    """Whether the transcript of the turn that is replied to is added to ``context``, where it comes
    after this command."""


@dataclass(frozen=True, slots=True)
class InterruptReply:
    """Stop a reply."""

    heard_ms: int | None = None
    """How much of it the person has heard; None: the client cannot tell."""
    reply_id: UUID | None = None
    """The reply to be stopped; None: that of the live turn."""
    how: Literal["stopped", "client_left", "timeout"] = "stopped"
    """How its turn ends: the person stopped it; or, where the edge stops it by itself, its client
    is gone, or takes no audio."""


@dataclass(frozen=True, slots=True)
class PlaybackReport:
    """The client's own account of how much of a reply it has played."""

    reply_id: UUID
    played_ms: int
    """Audio rendered so far, ms: not what was received, and not what waits in a buffer."""
    ended: bool = False
    """Whether playback is over: all was rendered, or it was silenced."""
    underruns: int = 0
    """How often playback had to wait for audio."""
    ear_ms: int | None = None
    """Time from the end of speech, as the client found it, to the first audible sample."""
    yield_ms: int | None = None
    """Time from the onset of speech over this reply to silence at the client."""
    paused: bool = False
    """Whether playback waits for the person: it goes on when they want it to."""


@dataclass(frozen=True, slots=True)
class AudioSent:
    """Audio of a reply has left this process; comes for its first and for its last piece."""

    reply_id: UUID
    last: bool = False
    """Whether it was the last piece (of a reply in one piece, two of these come)."""


@dataclass(frozen=True, slots=True)
class HangUp:
    """The client is gone, or asked to end the session."""

    reason: str = "client_left"
    """The session's end reason; by ``turn_endings.HANG_UPS`` a turn in progress ends with it."""


Command = (
    SendText
    | CommitTurn
    | ClearAudio
    | CreateResponse
    | InterruptReply
    | PlaybackReport
    | AudioSent
    | HangUp
)
"""What a client may ask for or report."""

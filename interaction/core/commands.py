"""What a client asks of the turn machine. Frozen values; the time travels beside them."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from interaction.core.types import Message, ResponseOptions


@dataclass(frozen=True, slots=True)
class SendText:
    """A typed turn."""

    text: str


@dataclass(frozen=True, slots=True)
class CommitTurn:
    """The user's turn ends here (push to talk, or an uploaded file at its end)."""

    respond: bool | None = None
    """Whether it is to be replied to; None: as the conversation's ``answering`` says."""


@dataclass(frozen=True, slots=True)
class ClearAudio:
    """Forget what was said of the turn that is open."""


@dataclass(frozen=True, slots=True)
class CreateResponse:
    """Reply now: to the turn that waits for it, else to the context alone."""

    reply_id: UUID
    """Chosen by whoever asks, so that they know the reply when it comes."""
    options: ResponseOptions | None = None
    """None: the conversation's own."""
    context: tuple[Message, ...] | None = None
    """All that the language model gets; None: the conversation's own."""
    out_of_band: bool = False
    """Beside the conversation: it interrupts nothing, nothing interrupts it, and it is not kept."""
    append_transcript: bool = True
    """The words of the turn that is answered belong behind ``context``, if they come later."""


@dataclass(frozen=True, slots=True)
class InterruptReply:
    """Stop the reply. ``heard_ms`` is None where the client cannot tell."""

    heard_ms: int | None = None
    reply_id: UUID | None = None
    """None: the one of the turn that is alive."""


@dataclass(frozen=True, slots=True)
class PlaybackReport:
    """The client's own account of a reply: samples rendered, not samples received."""

    reply_id: UUID
    played_ms: int
    ended: bool = False
    """Everything received has been rendered and nothing more will be (done, or silenced)."""
    underruns: int = 0
    ear_ms: int | None = None
    """The client's end of speech to its first audible sample."""
    yield_ms: int | None = None
    """The user's onset during this reply to silence at the client."""


@dataclass(frozen=True, slots=True)
class AudioSent:
    """A piece of a reply's audio left this process; sent for its first and its last piece."""

    reply_id: UUID
    last: bool = False


@dataclass(frozen=True, slots=True)
class HangUp:
    """The client is gone, or asked to end the session."""

    reason: str = "client_left"


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

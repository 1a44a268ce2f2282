"""What the turn machine orders: of the engine, and of the driver (archive a turn, wake it up)."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from interaction.core.news import News
from interaction.core.records import TurnRecord
from interaction.core.types import Message, ResponseOptions


@dataclass(frozen=True, slots=True)
class OpenTurn:
    """Somebody speaks: get ready to transcribe."""

    turn_id: UUID
    sequence: int


@dataclass(frozen=True, slots=True)
class SendAudio:
    """More of the turn's audio, mono s16le at 16 kHz, any even length."""

    turn_id: UUID
    pcm: bytes


@dataclass(frozen=True, slots=True)
class StreamAudio:
    """More from the microphone, mono s16le at 16 kHz: for an engine that finds turns itself.

    What belongs to a turn comes again as ``SendAudio``.
    """

    pcm: bytes


@dataclass(frozen=True, slots=True)
class FlushTurn:
    """Transcribe what there is as if it were final and prepare the reply; more may follow."""

    turn_id: UUID
    reply_id: UUID
    context: tuple[Message, ...]
    options: ResponseOptions = field(default_factory=ResponseOptions)


@dataclass(frozen=True, slots=True)
class EndTurn:
    """The turn is over and committed: transcribe it and reply.

    When ``flushed`` is true, a flush with this reply id came before and no speech since: the
    flush's transcript is the final one and its reply goes on.
    """

    turn_id: UUID
    reply_id: UUID
    context: tuple[Message, ...]
    flushed: bool = False
    options: ResponseOptions = field(default_factory=ResponseOptions)


@dataclass(frozen=True, slots=True)
class TranscribeTurn:
    """The turn is over: transcribe it, and no more. A ``Respond`` to it may follow."""

    turn_id: UUID


@dataclass(frozen=True, slots=True)
class Respond:
    """Reply to what is written: there is nothing to transcribe; the context holds all of it."""

    turn_id: UUID
    sequence: int
    reply_id: UUID
    context: tuple[Message, ...]
    options: ResponseOptions = field(default_factory=ResponseOptions)
    spoken: bool = False
    """The turn was opened before, spoken and transcribed; else it begins here, and what the
    person typed, if anything, ends the context."""
    out_of_band: bool = False
    """It is no turn of the conversation: nothing of it is kept."""


@dataclass(frozen=True, slots=True)
class DropTurn:
    """The turn came to nothing (no speech in it): forget it, keep no record."""

    turn_id: UUID


@dataclass(frozen=True, slots=True)
class CancelReply:
    """Stop whatever works on this reply, at once; ``heard_ms`` of it reached the person."""

    turn_id: UUID
    reply_id: UUID
    heard_ms: int = 0


EngineOrder = (
    OpenTurn
    | SendAudio
    | StreamAudio
    | FlushTurn
    | EndTurn
    | TranscribeTurn
    | Respond
    | DropTurn
    | CancelReply
)


@dataclass(frozen=True, slots=True)
class CloseTurn:
    """The turn is over: archive it. Sent again with more facts when they come late."""

    record: TurnRecord


@dataclass(frozen=True, slots=True)
class WakeAt:
    """Call ``tick`` at this time (monotonic seconds). The latest one replaces those before."""

    at: float


Effect = EngineOrder | News | CloseTurn | WakeAt

"""What the turn machine orders: of the engine, and of the driver (archive a turn, wake it up)."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from interaction.core.news import News
from interaction.core.records import TurnRecord
from interaction.core.types import Message, ResponseOptions


@dataclass(frozen=True, slots=True)
class OpenTurn:
    """Somebody speaks: a turn is open, and its audio follows."""

    turn_id: UUID
    sequence: int
    contends: bool = False
    """It has not got the floor: another turn is alive. ``GiveFloor`` or ``DropTurn`` follows."""


@dataclass(frozen=True, slots=True)
class GiveFloor:
    """The turn that contended is the open one now."""

    turn_id: UUID


@dataclass(frozen=True, slots=True)
class SendAudio:
    """More of the open turn's audio, mono s16le at 16 kHz, any even length."""

    turn_id: UUID
    pcm: bytes


@dataclass(frozen=True, slots=True)
class StreamAudio:
    """More input audio, mono s16le at 16 kHz: for an engine that finds turns itself.

    What belongs to a turn comes again as ``SendAudio``.
    """

    pcm: bytes


@dataclass(frozen=True, slots=True)
class FlushTurn:
    """Transcribe the audio so far as if it were all, and prepare the reply; more may follow."""

    turn_id: UUID
    reply_id: UUID
    context: tuple[Message, ...]
    options: ResponseOptions = field(default_factory=ResponseOptions)
    goes_on: bool = False
    """Whether the turn's words join the last message of the context: nothing of a reply to that was
    heard."""


@dataclass(frozen=True, slots=True)
class EndTurn:
    """The turn is committed: transcribe it and reply.

    When ``flushed`` is true, a flush with this reply id came before and no speech since: the
    flush's transcript is the final one and its reply goes on.
    """

    turn_id: UUID
    reply_id: UUID
    context: tuple[Message, ...]
    flushed: bool = False
    options: ResponseOptions = field(default_factory=ResponseOptions)
    goes_on: bool = False
    """As in ``FlushTurn``."""


@dataclass(frozen=True, slots=True)
class TranscribeTurn:
    """The turn is committed: transcribe it, and no more. A ``Respond`` to it may follow."""

    turn_id: UUID


@dataclass(frozen=True, slots=True)
class Respond:
    """Reply to the context: there is nothing left to transcribe."""

    turn_id: UUID
    sequence: int
    reply_id: UUID
    context: tuple[Message, ...]
    options: ResponseOptions = field(default_factory=ResponseOptions)
    spoken: bool = False
    """Whether the turn was opened before, spoken and transcribed; else it begins here, and what the
    person typed, if anything, ends the context."""
    out_of_band: bool = False
    """Whether it is no turn of the conversation: nothing of it is archived."""


@dataclass(frozen=True, slots=True)
class DropTurn:
    """The turn came to nothing (no speech in it): stop its stages, archive nothing of it."""

    turn_id: UUID


@dataclass(frozen=True, slots=True)
class CancelReply:
    """Stop whatever works on this reply, at once."""

    turn_id: UUID
    reply_id: UUID
    heard_ms: int = 0
    """How much of it the person has heard."""


@dataclass(frozen=True, slots=True)
class NotePlayback:
    """So much of the live turn's reply has been heard so far: note it where it outlives this
    process."""

    turn_id: UUID
    heard_ms: int
    heard_text: str


EngineOrder = (
    OpenTurn
    | GiveFloor
    | SendAudio
    | StreamAudio
    | FlushTurn
    | EndTurn
    | TranscribeTurn
    | Respond
    | DropTurn
    | CancelReply
    | NotePlayback
)


@dataclass(frozen=True, slots=True)
class CloseTurn:
    """The turn has ended: archive it. Comes again when more is learnt of the turn."""

    record: TurnRecord


@dataclass(frozen=True, slots=True)
class WakeAt:
    """Call ``on_tick`` at this time (monotonic seconds). The latest one replaces those before."""

    at: float


Effect = EngineOrder | News | CloseTurn | WakeAt
"""What the turn machine wants done or told, in the order in which it is to be carried out."""

"""What comes out of a conversation: orders to the engine, news for the client, records, wakes.

Whoever drives a conversation carries these out in the order given (``interaction/dialogue.py``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from interaction.core.signals import Manner, Message, Stage, ToolCall

Mode = Literal["cascade", "realtime"]
Status = Literal["listening", "recording", "transcribing", "responding", "speaking"]
EndReason = Literal[
    "played", "heard", "interrupted", "superseded", "client_left", "timeout", "failed"
]
"""``heard``: it was transcribed and nobody asked for a reply."""


# Orders to the engine.


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
class Listen:
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
    manner: Manner = field(default_factory=Manner)


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
    manner: Manner = field(default_factory=Manner)


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
    manner: Manner = field(default_factory=Manner)
    spoken: bool = False
    """The turn was opened before, spoken and transcribed; else it begins here, and what the
    person typed, if anything, ends the context."""
    aside: bool = False
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
    | Listen
    | FlushTurn
    | EndTurn
    | TranscribeTurn
    | Respond
    | DropTurn
    | CancelReply
)


# News for the client. An edge translates these to its own wire messages.


@dataclass(frozen=True, slots=True)
class StatusChanged:
    status: Status


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    turn_id: UUID
    at_ms: int = 0
    """Where the turn begins in all that was heard."""


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    """The turn is committed. ``kept`` is false when it held no speech and was dropped."""

    turn_id: UUID
    kept: bool = True
    at_ms: int = 0
    """Where the speech ended in all that was heard."""


@dataclass(frozen=True, slots=True)
class TranscriptHeard:
    turn_id: UUID
    text: str
    final: bool


@dataclass(frozen=True, slots=True)
class ReplyBegan:
    turn_id: UUID
    reply_id: UUID


@dataclass(frozen=True, slots=True)
class ReplySpoken:
    """A sentence of the reply, as text."""

    turn_id: UUID
    reply_id: UUID
    sentence: int
    text: str


@dataclass(frozen=True, slots=True)
class ReplyWritten:
    """The whole text of the reply."""

    turn_id: UUID
    reply_id: UUID
    text: str
    cut: bool = False
    """As in ``signals.ReplyText``."""


@dataclass(frozen=True, slots=True)
class Play:
    """Audio for the client: mono s16le at 24 kHz, in order."""

    turn_id: UUID
    reply_id: UUID
    sequence: int
    sentence: int
    pcm: bytes
    last: bool


@dataclass(frozen=True, slots=True)
class ReplyEnded:
    """All of the reply's audio left this process (it may still be playing)."""

    turn_id: UUID
    reply_id: UUID
    latency: dict[str, float | None]


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The reply was cut off: nothing of it may be sent after this."""

    turn_id: UUID
    reply_id: UUID
    heard_ms: int
    heard_text: str
    latency: dict[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FellBack:
    """Another provider than the first choice serves this turn's stage."""

    turn_id: UUID
    stage: Stage
    failed: str
    code: str
    provider: str


@dataclass(frozen=True, slots=True)
class ToolUsed:
    """A tool was run, or refused, for this reply. See ``signals.ToolInvoked`` for the fields."""

    turn_id: UUID
    reply_id: UUID
    invocation_id: UUID
    task_id: UUID
    tool: str
    arguments: str
    status: Literal["succeeded", "failed", "timed_out", "refused"]
    result: str
    ms: float


@dataclass(frozen=True, slots=True)
class ToolAsked:
    """The client is to run this tool; the reply that asks for it ends here."""

    turn_id: UUID
    reply_id: UUID
    call: ToolCall


@dataclass(frozen=True, slots=True)
class Spent:
    """What a reply cost, as its provider counts."""

    turn_id: UUID
    reply_id: UUID
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class EngineGone:
    """Nothing more can be said by this engine."""

    provider: str
    code: str
    message: str
    retryable: bool


@dataclass(frozen=True, slots=True)
class FallbackOffered:
    """This mode has failed; the other one can take the session over."""

    mode: Mode
    provider: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class ModeChanged:
    """Another engine has taken the session over, with all that was said so far."""

    mode: Mode
    automatic: bool


@dataclass(frozen=True, slots=True)
class SessionOver:
    """A tool ended the session, and its reply has been heard: hang up."""

    reason: str


@dataclass(frozen=True, slots=True)
class Failed:
    """Something went wrong. With a turn id it cost that turn; the session goes on."""

    code: str
    message: str
    retryable: bool
    stage: Stage | None = None
    provider: str | None = None
    turn_id: UUID | None = None
    reply_id: UUID | None = None


News = (
    StatusChanged
    | SpeechStarted
    | SpeechEnded
    | TranscriptHeard
    | ReplyBegan
    | ReplySpoken
    | ReplyWritten
    | Play
    | ReplyEnded
    | Interrupted
    | FellBack
    | ToolUsed
    | ToolAsked
    | Spent
    | EngineGone
    | FallbackOffered
    | ModeChanged
    | SessionOver
    | Failed
)


# Records and wakes.


@dataclass(frozen=True, slots=True)
class TurnRecord:
    """Everything the web side knows of a turn when it closes (or later, when it learns more)."""

    turn_id: UUID
    sequence: int
    kind: Literal["speech", "text"]
    transcript: str
    reply: str
    heard_text: str
    heard_ms: int | None
    interrupted: bool
    end_reason: EndReason
    reply_id: UUID | None
    latency: dict[str, float | None] = field(default_factory=dict)
    """Metric name to ms; null where unknown. Names as in ``metrics.METRICS``."""
    error: Failed | None = None
    underruns: int = 0
    fallbacks: tuple[FellBack, ...] = ()


@dataclass(frozen=True, slots=True)
class CloseTurn:
    """The turn is over: archive it. Sent again with more facts when they come late."""

    record: TurnRecord


@dataclass(frozen=True, slots=True)
class WakeAt:
    """Call ``tick`` at this time (monotonic seconds). The latest one replaces those before."""

    at: float


Effect = EngineOrder | News | CloseTurn | WakeAt

"""What the client is told. Each edge encodes these for its own wire."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from interaction.core.events import (
    ClientToolCalled,
    EngineLost,
    ProviderSwitched,
    ToolInvoked,
    UsageReported,
)
from interaction.core.types import CutReason, EndReason, Mode, Stage, Status


@dataclass(frozen=True, slots=True)
class StatusChanged:
    status: Status


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """A spoken turn was opened."""

    turn_id: UUID
    at_ms: int = 0
    """Where the turn's audio begins in all input audio, ms."""


@dataclass(frozen=True, slots=True)
class FloorContested:
    """Somebody speaks over a reply and may want the floor: play it softer until it is known. Then
    comes ``SpeechStarted`` of this turn, or ``FloorKept``."""

    turn_id: UUID
    """Of the turn that is opened if they get the floor."""


@dataclass(frozen=True, slots=True)
class FloorKept:
    """They did not want the floor: play on as before. Nothing more comes of their turn."""

    turn_id: UUID
    """As in ``FloorContested``."""


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    """The open turn was committed or dropped."""

    turn_id: UUID
    kept: bool = True
    """False: it came to nothing and was dropped."""
    at_ms: int = 0
    """Where the speech ended in all input audio, ms."""


@dataclass(frozen=True, slots=True)
class TranscriptUpdated:
    turn_id: UUID
    text: str
    final: bool


@dataclass(frozen=True, slots=True)
class ReplyStarted:
    turn_id: UUID
    reply_id: UUID


@dataclass(frozen=True, slots=True)
class ReplySentenceText:
    """A sentence of the reply, as text."""

    turn_id: UUID
    reply_id: UUID
    sentence: int
    text: str


@dataclass(frozen=True, slots=True)
class ReplyTextCompleted:
    """The whole text of the reply."""

    turn_id: UUID
    reply_id: UUID
    text: str
    cut: CutReason | None = None
    """Why it is less than the model's whole answer; None: it is whole."""


@dataclass(frozen=True, slots=True)
class PlayAudio:
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
class ReplyInterrupted:
    """The reply was cut off, or overtaken before it began: nothing of it may be sent after this."""

    turn_id: UUID
    reply_id: UUID
    heard_ms: int
    """How much of it the person heard; 0: nothing, its audio had not begun."""
    heard_text: str
    """The part of its text that they heard."""
    latency: dict[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReplyHeard:
    """What the turn's record says was heard of its reply. Comes when the turn has ended, and again
    where a report that comes late says otherwise."""

    turn_id: UUID
    reply_id: UUID
    heard_ms: int
    heard_text: str
    """The part of its text that was heard."""
    end_reason: EndReason


@dataclass(frozen=True, slots=True)
class FallbackOffered:
    """This mode has failed; the other one can take the session over."""

    mode: Mode
    provider: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class ModeChanged:
    """Another engine has taken the session over, with the conversation so far."""

    mode: Mode
    automatic: bool


@dataclass(frozen=True, slots=True)
class SessionFinished:
    """A tool ended the session, and its reply has been heard: hang up."""

    reason: str


@dataclass(frozen=True, slots=True)
class Failure:
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
    | FloorContested
    | FloorKept
    | SpeechEnded
    | TranscriptUpdated
    | ReplyStarted
    | ReplySentenceText
    | ReplyTextCompleted
    | PlayAudio
    | ReplyEnded
    | ReplyInterrupted
    | ReplyHeard
    | ProviderSwitched
    | ToolInvoked
    | ClientToolCalled
    | UsageReported
    | EngineLost
    | FallbackOffered
    | ModeChanged
    | SessionFinished
    | Failure
)

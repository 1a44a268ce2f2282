"""Parley's own socket protocol: one model a message. JSON Schemas are generated from these.

Client to server: text frames hold one JSON object with a ``type``; a binary frame is audio, raw
mono s16le at the session's ``input_sample_rate``. Server to client: text frames hold one JSON
object with a ``type``; a binary frame is a piece of a reply (``AudioHeader`` + raw mono s16le at
the session's ``output_sample_rate``).
"""

from __future__ import annotations

import struct
from typing import Annotated, Any, Literal, NamedTuple
from unicodedata import category
from uuid import UUID

from pydantic import AfterValidator, Field, TypeAdapter, create_model
from pydantic_core import PydanticCustomError

from interaction.core.metrics import METRIC_NAMES
from interaction.core.types import CutReason, EndReason
from interaction.sessions.language_warning import LanguageWarning
from interaction.sessions.settings import (
    Mode,
    ProviderFallbacks,
    Providers,
    SessionSettings,
    Text,
    TurnDetectionChoice,
    WireModel,
)

Milliseconds = Annotated[int, Field(ge=0, le=24 * 3600 * 1000)]


class AudioHeader(NamedTuple):
    """24 bytes, big-endian, before the PCM of every binary frame that the server sends."""

    reply_id: UUID
    sequence: int
    """Counts the frames of one reply from 0: a gap is a loss."""
    sentence: int
    last: bool
    """Nothing of this reply follows; the frame may hold no audio."""

    def packed(self) -> bytes:
        return _HEADER.pack(self.reply_id.bytes, self.sequence, self.sentence, self.last)

    @classmethod
    def unpacked(cls, frame: bytes) -> tuple[AudioHeader, bytes]:
        """A binary frame's header and its PCM."""
        reply_id, sequence, sentence, last = _HEADER.unpack_from(frame)
        return cls(UUID(bytes=reply_id), sequence, sentence, bool(last)), frame[_HEADER.size :]


_HEADER = struct.Struct(">16sIHH")


# Client to server.


class StartSession(SessionSettings):
    type: Literal["start_session"]
    session_id: UUID | None = None
    """A session made by REST; its own settings then hold and the rest here is ignored."""


class AudioChunk(WireModel):
    type: Literal["audio_chunk"]
    audio: str
    """Base64 of mono s16le at ``input_sample_rate``."""


def _with_something_to_answer(text: str) -> str:
    # Also what only looks empty: a zero-width space is a format character, no space.
    if all(character.isspace() or category(character) in ("Cc", "Cf") for character in text):
        raise PydanticCustomError("blank_text", "it is blank")
    return text


class TextInput(WireModel):
    type: Literal["text_input"]
    text: Annotated[
        Text, Field(min_length=1, max_length=10_000), AfterValidator(_with_something_to_answer)
    ]


class Commit(WireModel):
    type: Literal["commit"]


class Interrupt(WireModel):
    type: Literal["interrupt"]
    heard_ms: Milliseconds | None = None


class Playback(WireModel):
    type: Literal["playback"]
    reply_id: UUID
    played_ms: Milliseconds
    ended: bool = False
    underruns: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    ear_ms: Milliseconds | None = None
    yield_ms: Milliseconds | None = None
    paused: bool = False
    """Playback waits for the person; at most ten minutes."""


class UpdateSession(WireModel):
    """Change a running session's switches; absent fields stay as they are."""

    type: Literal["update_session"]
    barge_in_enabled: bool | None = None
    turn_detection: TurnDetectionChoice | None = None


class AcceptFallback(WireModel):
    """Go on in the mode that was offered."""

    type: Literal["accept_fallback"]


class EndSession(WireModel):
    type: Literal["end_session"]


class Ping(WireModel):
    type: Literal["ping"]
    nonce: Annotated[Text, Field(max_length=64)] = ""


ClientMessage = Annotated[
    StartSession
    | AudioChunk
    | TextInput
    | Commit
    | Interrupt
    | Playback
    | UpdateSession
    | AcceptFallback
    | EndSession
    | Ping,
    Field(discriminator="type"),
]
client_messages: TypeAdapter[ClientMessage] = TypeAdapter(ClientMessage)


# Server to client.


class ConnectionReady(WireModel):
    type: Literal["connection_ready"] = "connection_ready"
    protocol: Literal[1] = 1


class SessionStarted(WireModel):
    """The effective settings, defaults filled in."""

    type: Literal["session_started"] = "session_started"
    session_id: UUID
    mode: Mode
    providers: Providers
    fallbacks: ProviderFallbacks
    template_id: int | None
    system_prompt: str
    """The prompt really used."""
    tools: list[str]
    barge_in_enabled: bool
    turn_detection: TurnDetectionChoice
    auto_fallback: bool
    recording: bool
    input_sample_rate: int
    output_sample_rate: int
    time_zone: str
    """Empty: the server's."""
    warnings: list[LanguageWarning]
    """What its providers cannot do in its language."""


class Status(WireModel):
    type: Literal["status"] = "status"
    status: Literal["listening", "recording", "transcribing", "responding", "speaking"]


class SpeechStarted(WireModel):
    type: Literal["speech_started"] = "speech_started"
    turn_id: UUID


class SpeechEnded(WireModel):
    type: Literal["speech_ended"] = "speech_ended"
    turn_id: UUID
    kept: bool
    """False: it held no speech and was dropped."""


class TranscriptPartial(WireModel):
    type: Literal["transcript_partial"] = "transcript_partial"
    turn_id: UUID
    text: str


class TranscriptFinal(WireModel):
    type: Literal["transcript_final"] = "transcript_final"
    turn_id: UUID
    text: str


class ResponseStarted(WireModel):
    type: Literal["response_started"] = "response_started"
    turn_id: UUID
    reply_id: UUID


class ResponseText(WireModel):
    """One sentence of the reply."""

    type: Literal["response_text"] = "response_text"
    turn_id: UUID
    reply_id: UUID
    sentence: int
    text: str


class AgentResponse(WireModel):
    """The whole text of the reply."""

    type: Literal["agent_response"] = "agent_response"
    turn_id: UUID
    reply_id: UUID
    text: str
    cut: CutReason | None = None
    """Why it is less than the model's whole answer; null: it is all of it."""


_METRIC_FIELDS: dict[str, Any] = dict.fromkeys(METRIC_NAMES, (float | None, None))
_Metrics = create_model("_Metrics", __base__=WireModel, **_METRIC_FIELDS)


class Latency(_Metrics):  # type: ignore[valid-type, misc] # its fields are known at run time alone
    """All in ms, null where unknown. Definitions: docs/protocol.md."""


class ResponseEnded(WireModel):
    """All of the reply's audio has been sent; it may still be playing."""

    type: Literal["response_ended"] = "response_ended"
    turn_id: UUID
    reply_id: UUID
    latency: Latency


class Interrupted(WireModel):
    """The reply was cut off; no audio of it follows. Stop playing it now."""

    type: Literal["interrupted"] = "interrupted"
    turn_id: UUID
    reply_id: UUID
    heard_ms: int
    heard_text: str
    latency: Latency


class ResponseHeard(WireModel):
    """What is kept as heard of a reply whose turn has ended; comes again where that changes."""

    type: Literal["response_heard"] = "response_heard"
    turn_id: UUID
    reply_id: UUID
    heard_ms: int
    heard_text: str
    end_reason: EndReason


class ProviderFallback(WireModel):
    """The first choice failed before its first output; another provider serves this turn."""

    type: Literal["provider_fallback"] = "provider_fallback"
    turn_id: UUID
    stage: Literal["stt", "llm", "tts"]
    failed: str
    code: str
    provider: str


class FallbackOffered(WireModel):
    """This mode has failed; the session can go on in the other one: ``accept_fallback``."""

    type: Literal["fallback_offered"] = "fallback_offered"
    mode: Mode
    """The one that is offered."""
    provider: str
    """Who failed, and why."""
    code: str
    message: str


class ModeChanged(WireModel):
    """The session goes on in this mode, with all that was said so far."""

    type: Literal["mode_changed"] = "mode_changed"
    mode: Mode
    automatic: bool
    """Nobody was asked."""


class ToolInvocation(WireModel):
    type: Literal["tool_invocation"] = "tool_invocation"
    turn_id: UUID
    reply_id: UUID
    invocation_id: UUID
    task_id: UUID
    tool: str
    arguments: str
    """JSON text."""
    status: Literal["succeeded", "failed", "timed_out", "refused"]
    result: str
    """JSON text, or what went wrong."""
    ms: float


class Error(WireModel):
    type: Literal["error"] = "error"
    code: str
    message: str
    retryable: bool
    stage: Literal["stt", "llm", "tts", "archive", "realtime"] | None = None
    provider: str | None = None
    turn_id: UUID | None = None
    reply_id: UUID | None = None


class SessionSummary(WireModel):
    turns: int
    interrupted: int
    failed: int
    seconds: float


class SessionEnded(WireModel):
    type: Literal["session_ended"] = "session_ended"
    session_id: UUID
    reason: str
    summary: SessionSummary | None
    """Null where a bug ended the session and nobody can tell."""


class Pong(WireModel):
    type: Literal["pong"] = "pong"
    nonce: str = ""


ServerMessage = Annotated[
    ConnectionReady
    | SessionStarted
    | Status
    | SpeechStarted
    | SpeechEnded
    | TranscriptPartial
    | TranscriptFinal
    | ResponseStarted
    | ResponseText
    | AgentResponse
    | ResponseEnded
    | Interrupted
    | ResponseHeard
    | ProviderFallback
    | FallbackOffered
    | ModeChanged
    | ToolInvocation
    | Error
    | SessionEnded
    | Pong,
    Field(discriminator="type"),
]
server_messages: TypeAdapter[Any] = TypeAdapter(ServerMessage)

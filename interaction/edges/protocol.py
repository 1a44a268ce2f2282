"""Parley's own socket protocol: one model a message. JSON Schemas are generated from these.

Client to server: text frames hold one JSON object with a ``type``; a binary frame is audio, raw
mono s16le at the session's ``input_sample_rate``. Server to client: text frames hold one JSON
object with a ``type``; a binary frame is a piece of a reply (``AudioHeader`` + raw mono s16le at
the session's ``output_sample_rate``).
"""

from __future__ import annotations

import struct
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, create_model

from interaction.core.metrics import METRIC_NAMES


def _without_nul(text: str) -> str:
    """PostgreSQL keeps no NUL in a text: refuse it at the door, not when a turn is archived."""
    if "\0" in text:
        raise ValueError("it holds a NUL character")
    return text


Text = Annotated[str, AfterValidator(_without_nul)]
Rate = Annotated[int, Field(ge=8_000, le=96_000)]
Milliseconds = Annotated[int, Field(ge=0, le=24 * 3600 * 1000)]
LONGEST_PROMPT = 20_000
"""In characters; with a template, of both together."""


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


class Message(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_serialization_defaults_required=True)


# Client to server.


class ProviderChoice(Message):
    """Which provider serves a stage; empty fields mean the default."""

    name: Annotated[Text, Field(max_length=64)] = ""
    model: Annotated[Text, Field(max_length=200)] = ""
    voice: Annotated[Text, Field(max_length=200)] = ""
    language: Annotated[Text, Field(max_length=35)] = ""


class Providers(Message):
    stt: ProviderChoice = ProviderChoice()
    llm: ProviderChoice = ProviderChoice()
    tts: ProviderChoice = ProviderChoice()
    realtime: ProviderChoice = ProviderChoice()
    """Who serves all three in realtime mode."""


Fallbacks = Annotated[list[ProviderChoice], Field(max_length=4)]


class ProviderFallbacks(Message):
    """Who serves a stage when the one chosen fails before its first output, in order."""

    stt: Fallbacks = []
    llm: Fallbacks = []
    tts: Fallbacks = []


class TurnDetectionChoice(Message):
    kind: Literal["vad", "manual", "server", "semantic"] = "vad"
    """``server`` and ``semantic``: the realtime provider finds the turns."""
    threshold: Annotated[float, Field(gt=0, lt=1)] = 0.5
    prefix_ms: Annotated[int, Field(ge=0, le=2_000)] = 300
    silence_ms: Annotated[int, Field(ge=100, le=5_000)] = 600
    eager_silence_ms: Annotated[int, Field(ge=64, le=5_000)] | None = None


Mode = Literal["cascade", "realtime"]


class SessionSettings(Message):
    """What may be chosen for a session, over the socket or by REST."""

    mode: Mode = "cascade"
    """The other one may step in (``fallback_offered``), with the providers chosen here."""
    providers: Providers = Providers()
    fallbacks: ProviderFallbacks = ProviderFallbacks()
    template_id: int | None = None
    """A prompt template; ``system_prompt``, where given, is added after its text."""
    system_prompt: Annotated[Text, Field(max_length=LONGEST_PROMPT)] = ""
    tools: Annotated[list[Annotated[Text, Field(max_length=64)]], Field(max_length=32)] = []
    """Names of tools that the language model may use."""
    barge_in_enabled: bool = True
    turn_detection: TurnDetectionChoice = TurnDetectionChoice()
    auto_fallback: bool = False
    """Whether the other mode steps in without being asked when this one fails."""
    recording: bool = True
    """False: no audio of this session is kept, on either side."""
    input_sample_rate: Rate = 16_000
    output_sample_rate: Rate = 24_000
    title: Annotated[Text, Field(max_length=200)] = ""


class StartSession(SessionSettings):
    type: Literal["start_session"]
    session_id: UUID | None = None
    """A session made by REST; its own settings then hold and the rest here is ignored."""


class AudioChunk(Message):
    type: Literal["audio_chunk"]
    audio: str
    """Base64 of mono s16le at ``input_sample_rate``."""


class TextInput(Message):
    type: Literal["text_input"]
    text: Annotated[Text, Field(min_length=1, max_length=10_000)]


class Commit(Message):
    type: Literal["commit"]


class Interrupt(Message):
    type: Literal["interrupt"]
    heard_ms: Milliseconds | None = None


class Playback(Message):
    type: Literal["playback"]
    reply_id: UUID
    played_ms: Milliseconds
    ended: bool = False
    underruns: Annotated[int, Field(ge=0)] = 0
    ear_ms: Milliseconds | None = None
    yield_ms: Milliseconds | None = None


class UpdateSession(Message):
    """Change a running session's switches; absent fields stay as they are."""

    type: Literal["update_session"]
    barge_in_enabled: bool | None = None
    turn_detection: TurnDetectionChoice | None = None


class AcceptFallback(Message):
    """Go on in the mode that was offered."""

    type: Literal["accept_fallback"]


class EndSession(Message):
    type: Literal["end_session"]


class Ping(Message):
    type: Literal["ping"]
    nonce: Annotated[str, Field(max_length=64)] = ""


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


class ConnectionReady(Message):
    type: Literal["connection_ready"] = "connection_ready"
    protocol: Literal[1] = 1


class SessionStarted(Message):
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


class Status(Message):
    type: Literal["status"] = "status"
    status: Literal["listening", "recording", "transcribing", "responding", "speaking"]


class SpeechStarted(Message):
    type: Literal["speech_started"] = "speech_started"
    turn_id: UUID


class SpeechEnded(Message):
    type: Literal["speech_ended"] = "speech_ended"
    turn_id: UUID
    kept: bool
    """False: it held no speech and was dropped."""


class TranscriptPartial(Message):
    type: Literal["transcript_partial"] = "transcript_partial"
    turn_id: UUID
    text: str


class TranscriptFinal(Message):
    type: Literal["transcript_final"] = "transcript_final"
    turn_id: UUID
    text: str


class ResponseStarted(Message):
    type: Literal["response_started"] = "response_started"
    turn_id: UUID
    reply_id: UUID


class ResponseText(Message):
    """One sentence of the reply."""

    type: Literal["response_text"] = "response_text"
    turn_id: UUID
    reply_id: UUID
    sentence: int
    text: str


class AgentResponse(Message):
    """The whole text of the reply."""

    type: Literal["agent_response"] = "agent_response"
    turn_id: UUID
    reply_id: UUID
    text: str


_METRIC_FIELDS: dict[str, Any] = dict.fromkeys(METRIC_NAMES, (float | None, None))
_Metrics = create_model("_Metrics", __base__=Message, **_METRIC_FIELDS)


class Latency(_Metrics):  # type: ignore[valid-type, misc] # its fields are known at run time alone
    """All in ms, null where unknown. Definitions: docs/protocol.md."""


class ResponseEnded(Message):
    """All of the reply's audio has been sent; it may still be playing."""

    type: Literal["response_ended"] = "response_ended"
    turn_id: UUID
    reply_id: UUID
    latency: Latency


class Interrupted(Message):
    """The reply was cut off; no audio of it follows. Stop playing it now."""

    type: Literal["interrupted"] = "interrupted"
    turn_id: UUID
    reply_id: UUID
    heard_ms: int
    heard_text: str
    latency: Latency


class ProviderFallback(Message):
    """The first choice failed before its first output; another provider serves this turn."""

    type: Literal["provider_fallback"] = "provider_fallback"
    turn_id: UUID
    stage: Literal["stt", "llm", "tts"]
    failed: str
    code: str
    provider: str


class FallbackOffered(Message):
    """This mode has failed; the session can go on in the other one: ``accept_fallback``."""

    type: Literal["fallback_offered"] = "fallback_offered"
    mode: Mode
    """The one that is offered."""
    provider: str
    """Who failed, and why."""
    code: str
    message: str


class ModeChanged(Message):
    """The session goes on in this mode, with all that was said so far."""

    type: Literal["mode_changed"] = "mode_changed"
    mode: Mode
    automatic: bool
    """Nobody was asked."""


class ToolInvocation(Message):
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


class Error(Message):
    type: Literal["error"] = "error"
    code: str
    message: str
    retryable: bool
    stage: Literal["stt", "llm", "tts", "archive", "realtime"] | None = None
    provider: str | None = None
    turn_id: UUID | None = None
    reply_id: UUID | None = None


class SessionSummary(Message):
    turns: int
    interrupted: int
    failed: int
    seconds: float


class SessionEnded(Message):
    type: Literal["session_ended"] = "session_ended"
    session_id: UUID
    reason: str
    summary: SessionSummary | None
    """Null where a bug ended the session and nobody can tell."""


class Pong(Message):
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

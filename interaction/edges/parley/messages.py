"""Parley's own socket protocol: one model a message. JSON Schemas are generated from these.

Client to server: text frames hold one JSON object with a ``type``; a binary frame is audio, raw
mono s16le at the session's ``input_sample_rate``. Server to client: text frames hold one JSON
object with a ``type``; a binary frame is a piece of a reply (``AudioHeader`` + raw mono s16le at
the session's ``output_sample_rate``).
"""

from __future__ import annotations

import struct
from typing import Annotated, Any, Literal, NamedTuple, TypeVar
from unicodedata import category
from uuid import UUID

from pydantic import AfterValidator, Field, TypeAdapter, create_model
from pydantic_core import PydanticCustomError

from interaction.core.metrics import METRICS, Metric
from interaction.core.types import BargeIn, CutReason, EndReason
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

T = TypeVar("T")
Kind = Annotated[T, Field(description="Says which message this is.")]
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
    """Start a conversation on this socket: with settings of its own, or one that REST has made.
    Every field but `type` may be left out."""

    type: Kind[Literal["start_session"]]
    session_id: UUID | None = None
    """A session made by REST; its own settings then hold, and the rest here is ignored. Null: a new
    one is made."""


class AudioChunk(WireModel):
    """A piece of the person's audio, for clients that cannot send binary frames."""

    type: Kind[Literal["audio_chunk"]]
    audio: str
    """Base64 of mono PCM, signed 16 bit, little endian, at `input_sample_rate`; at most 1 MiB of
    it."""


def _with_something_to_answer(text: str) -> str:
    # Also what only looks empty: a zero-width space is a format character, no space.
    if all(character.isspace() or category(character) in ("Cc", "Cf") for character in text):
        raise PydanticCustomError("blank_text", "it is blank")
    return text


class TextInput(WireModel):
    """A typed turn: it interrupts a reply that still plays."""

    type: Kind[Literal["text_input"]]
    text: Annotated[
        Text, Field(min_length=1, max_length=10_000), AfterValidator(_with_something_to_answer)
    ]
    """What the person wrote. It must hold something to answer, not only spaces."""


class Commit(WireModel):
    """End the turn now: the person has finished speaking."""

    type: Kind[Literal["commit"]]


class Interrupt(WireModel):
    """Stop the reply that is being made or played."""

    type: Kind[Literal["interrupt"]]
    heard_ms: Milliseconds | None = None
    """How much of the reply was heard, in milliseconds of its audio; null: as reported by
    `playback`."""


class Playback(WireModel):
    """What the client has rendered of a reply, counted in samples. Sent a few times a second while
    it plays."""

    type: Kind[Literal["playback"]]
    reply_id: UUID
    """Which reply plays, as in the header of its binary frames."""
    played_ms: Milliseconds
    """How much of its audio has been rendered so far, in milliseconds."""
    ended: bool = False
    """Nothing more of it will be played: it was the last, or it was silenced."""
    underruns: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    """How often playback ran out of audio in the middle of this reply."""
    ear_ms: Milliseconds | None = None
    """From the end of speech, as the client finds it, to the first audible sample, in milliseconds;
    null where it cannot be measured."""
    yield_ms: Milliseconds | None = None
    """From the person's onset during the reply to silence at the client, in milliseconds; null
    where that did not happen."""
    paused: bool = False
    """Playback waits for the person; the turn stays as it is, at most ten minutes."""


class UpdateSession(WireModel):
    """Change a running session's switches; absent fields stay as they are."""

    type: Kind[Literal["update_session"]]
    barge_in_enabled: bool | None = None
    """Whether speech during a reply interrupts it; null or absent: as it is. True takes it back
    from `off` to what the session began with, or to `considered`."""
    barge_in: BargeIn | None = None
    """What speech during a reply does, as in `start_session`; null or absent: as it is."""
    turn_detection: TurnDetectionChoice | None = None
    """How turns are found from now on; null or absent: as it is."""


class AcceptFallback(WireModel):
    """Go on in the mode that `fallback_offered` named."""

    type: Kind[Literal["accept_fallback"]]


class EndSession(WireModel):
    """End the conversation; the socket stays open for another one."""

    type: Kind[Literal["end_session"]]


class Ping(WireModel):
    """Ask for a `pong`, which comes after everything that was sent before has been carried out."""

    type: Kind[Literal["ping"]]
    nonce: Annotated[Text, Field(max_length=64)] = ""
    """Any text, at most 64 characters, that the `pong` will repeat."""


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
    """The first message on every socket: the server listens."""

    type: Kind[Literal["connection_ready"]] = "connection_ready"
    protocol: Literal[1] = 1
    """Which version of it the server speaks."""


class SessionStarted(WireModel):
    """The session has begun. Its effective settings, defaults filled in."""

    type: Kind[Literal["session_started"]] = "session_started"
    session_id: UUID
    """By which the history has the conversation."""
    mode: Mode
    """The mode it begins in: `cascade` or `realtime`."""
    providers: Providers
    """Who really serves, by stage."""
    fallbacks: ProviderFallbacks
    """Who steps in, by stage and in order."""
    template_id: int | None
    """The prompt template that was chosen; null: none."""
    system_prompt: str
    """The prompt really used: the template's text, then what was added."""
    tools: list[str]
    """Names of the tools that the language model may call."""
    barge_in_enabled: bool
    """Whether speech during a reply interrupts it."""
    barge_in: BargeIn
    """What speech during a reply does: `considered`, `immediate` or `off`."""
    turn_detection: TurnDetectionChoice
    """How turns of the person's are found."""
    auto_fallback: bool
    """Whether the other mode steps in without being asked when this one fails."""
    recording: bool
    """Whether audio of either side is kept."""
    input_sample_rate: int
    """Sample rate of the audio that the server expects, in Hz."""
    output_sample_rate: int
    """Sample rate of the audio that the server sends, in Hz."""
    time_zone: str
    """Where the person is, an IANA name; empty: where the server is."""
    warnings: list[LanguageWarning]
    """What its providers cannot do in its language; mostly empty."""


class Status(WireModel):
    """What the conversation is doing now, for a light or a word on a page."""

    type: Kind[Literal["status"]] = "status"
    status: Literal["listening", "recording", "transcribing", "responding", "speaking"]
    """`listening`: nobody speaks; `recording`: the person does; `transcribing`: it is being
    understood; `responding`: the reply is made; `speaking`: it is sent."""


class SpeechStarted(WireModel):
    """Speech was found, and a turn has opened."""

    type: Kind[Literal["speech_started"]] = "speech_started"
    turn_id: UUID
    """By which all that follows of this turn names it."""


class FloorContested(WireModel):
    """Somebody speaks over the reply, and may want the floor: play it softer, and go on. Then comes
    `speech_started` of the same turn, or `floor_kept`."""

    type: Kind[Literal["floor_contested"]] = "floor_contested"
    turn_id: UUID
    """The turn that it becomes if they get the floor."""


class FloorKept(WireModel):
    """They did not want the floor: play on as before. Nothing more comes of their turn."""

    type: Kind[Literal["floor_kept"]] = "floor_kept"
    turn_id: UUID
    """As in `floor_contested`."""


class SpeechEnded(WireModel):
    """The open turn is over."""

    type: Kind[Literal["speech_ended"]] = "speech_ended"
    turn_id: UUID
    """The turn that is over, as in `speech_started`."""
    kept: bool
    """False: there was no speech in it, and it was dropped; nothing more comes of it."""


class TranscriptPartial(WireModel):
    """What has been understood so far. It may change its mind."""

    type: Kind[Literal["transcript_partial"]] = "transcript_partial"
    turn_id: UUID
    """The turn it belongs to, as in `speech_started` or `response_started`."""
    text: str
    """All that was understood of the turn so far, not only what is new."""


class TranscriptFinal(WireModel):
    """What the person said. It does not change any more."""

    type: Kind[Literal["transcript_final"]] = "transcript_final"
    turn_id: UUID
    """The turn it belongs to, as in `speech_started` or `response_started`."""
    text: str
    """The whole turn, spoken or typed; digit sequences of 12 or more are masked."""


class ResponseStarted(WireModel):
    """A reply is on its way."""

    type: Kind[Literal["response_started"]] = "response_started"
    turn_id: UUID
    """The turn whose words are answered."""
    reply_id: UUID
    """The reply it belongs to, as in the header of its binary frames."""


class ResponseText(WireModel):
    """One sentence of the reply, as it will be spoken."""

    type: Kind[Literal["response_text"]] = "response_text"
    turn_id: UUID
    """The turn it belongs to, as in `speech_started` or `response_started`."""
    reply_id: UUID
    """The reply it belongs to, as in the header of its binary frames."""
    sentence: int
    """Its number in the reply, from 0, as in the header of binary frames."""
    text: str
    """The words of this sentence."""


class AgentResponse(WireModel):
    """The whole text of the reply."""

    type: Kind[Literal["agent_response"]] = "agent_response"
    turn_id: UUID
    """The turn it belongs to, as in `speech_started` or `response_started`."""
    reply_id: UUID
    """The reply it belongs to, as in the header of its binary frames."""
    text: str
    """Everything that the language model wrote for this reply."""
    cut: CutReason | None = None
    """Why it is less than the model's whole answer: `length` (its limit of tokens) or
    `content_filter`; null: it is all of it."""


def _described(metric: Metric) -> str:
    return (
        f"From {metric.starts_at} to {metric.ends_at}, in milliseconds, measured by the "
        f"{metric.measured_by}; null where unknown."
    )


_METRIC_FIELDS: dict[str, Any] = {
    metric.name: (float | None, Field(None, description=_described(metric))) for metric in METRICS
}
_Metrics = create_model("_Metrics", __base__=WireModel, **_METRIC_FIELDS)


class Latency(_Metrics):  # type: ignore[valid-type, misc] # its fields are known at run time alone
    """All in ms, null where unknown. Definitions: docs/protocol.md."""


class ResponseEnded(WireModel):
    """All of the reply's audio has been sent; it may still be playing."""

    type: Kind[Literal["response_ended"]] = "response_ended"
    turn_id: UUID
    """The turn it belongs to, as in `speech_started` or `response_started`."""
    reply_id: UUID
    """The reply it belongs to, as in the header of its binary frames."""
    latency: Latency
    """The turn's figures, as far as they are known by now."""


class Interrupted(WireModel):
    """The reply was cut off; no audio of it follows. Stop playing it now."""

    type: Kind[Literal["interrupted"]] = "interrupted"
    turn_id: UUID
    """The turn it belongs to, as in `speech_started` or `response_started`."""
    reply_id: UUID
    """The reply it belongs to, as in the header of its binary frames."""
    heard_ms: int
    """How much of its audio is taken to have been heard, in milliseconds; 0: nothing."""
    heard_text: str
    """The words of the reply that were heard."""
    latency: Latency
    """The turn's figures, as far as they are known by now."""


class ResponseHeard(WireModel):
    """What is kept as heard of a reply whose turn has ended; comes again where that changes."""

    type: Kind[Literal["response_heard"]] = "response_heard"
    turn_id: UUID
    """The turn it belongs to, as in `speech_started` or `response_started`."""
    reply_id: UUID
    """The reply it belongs to, as in the header of its binary frames."""
    heard_ms: int
    """How much of the reply's audio was heard, in milliseconds."""
    heard_text: str
    """The words of the reply that were heard."""
    end_reason: EndReason
    """How the turn ended, such as `played`, `interrupted`, `stopped` or `failed`."""


class ProviderFallback(WireModel):
    """The first choice failed before its first output; another provider serves this turn."""

    type: Kind[Literal["provider_fallback"]] = "provider_fallback"
    turn_id: UUID
    """The turn it belongs to, as in `speech_started` or `response_started`."""
    stage: Literal["stt", "llm", "tts"]
    """The stage in which somebody stepped in."""
    failed: str
    """Name of the provider that failed."""
    code: str
    """Why it failed: the code of an error."""
    provider: str
    """Name of the provider that serves the turn instead."""


class FallbackOffered(WireModel):
    """This mode has failed; the session can go on in the other one: ``accept_fallback``."""

    type: Kind[Literal["fallback_offered"]] = "fallback_offered"
    mode: Mode
    """The one in which the session can go on."""
    provider: str
    """Name of the provider that failed."""
    code: str
    """Why it failed: the code of an error."""
    message: str
    """The same for people, in their language."""


class ModeChanged(WireModel):
    """The session goes on in this mode, with all that was said so far."""

    type: Kind[Literal["mode_changed"]] = "mode_changed"
    mode: Mode
    """The mode that serves from now on."""
    automatic: bool
    """True: nobody was asked, as `auto_fallback` wants it."""


class ToolInvocation(WireModel):
    """A tool of the language model's has been run."""

    type: Kind[Literal["tool_invocation"]] = "tool_invocation"
    turn_id: UUID
    """The turn it belongs to, as in `speech_started` or `response_started`."""
    reply_id: UUID
    """The reply it belongs to, as in the header of its binary frames."""
    invocation_id: UUID
    """Names this one call of the tool."""
    task_id: UUID
    """Groups all calls that one request of the person's led to."""
    tool: str
    """Name of the tool that was called."""
    arguments: str
    """What it was called with: JSON text, as the model wrote it."""
    status: Literal["succeeded", "failed", "timed_out", "refused"]
    """`refused`: there is no such tool, or its arguments were not valid."""
    result: str
    """What it answered: JSON text, or a sentence on what went wrong."""
    ms: float
    """How long it ran, in milliseconds."""


class Error(WireModel):
    """Something went wrong. It never closes the socket; with a `turn_id` it cost that turn, and the
    session goes on."""

    type: Kind[Literal["error"]] = "error"
    code: str
    """For programs: one of the listed codes."""
    message: str
    """For people, in their language: what is wrong and what to do. It repeats nothing of what was
    said."""
    retryable: bool
    """Whether the same again may succeed."""
    stage: Literal["stt", "llm", "tts", "archive", "realtime"] | None = None
    """Where it failed; null where no stage is to blame."""
    provider: str | None = None
    """Name of the provider that failed; null where none did."""
    turn_id: UUID | None = None
    """The turn that it cost; null where it cost none."""
    reply_id: UUID | None = None
    """The reply that was lost with it; null where there was none."""


class SessionSummary(WireModel):
    """What there was to a session, in figures."""

    turns: int
    """How many turns it had."""
    interrupted: int
    """How many of their replies the person cut off."""
    failed: int
    """How many of them were lost to an error."""
    seconds: float
    """How long it lasted, in seconds."""


class SessionEnded(WireModel):
    """The session is over, and its record is closed. The socket is ready for another one."""

    type: Kind[Literal["session_ended"]] = "session_ended"
    session_id: UUID
    """The conversation that is over."""
    reason: str
    """`ended` (the client asked), `ended_by_agent` (a tool did), `engine_unavailable` or
    `internal_error`."""
    summary: SessionSummary | None
    """Its figures; null where a bug ended the session and nobody can tell."""


class Pong(WireModel):
    """The answer to a `ping`: everything sent before that was carried out."""

    type: Kind[Literal["pong"]] = "pong"
    nonce: str = ""
    """The text that the `ping` had."""


ServerMessage = Annotated[
    ConnectionReady
    | SessionStarted
    | Status
    | SpeechStarted
    | FloorContested
    | FloorKept
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

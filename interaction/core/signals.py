"""What goes into a conversation: audio frames, commands from the client, events from the engine.

Plain frozen values. Times travel beside them (``now``, monotonic seconds), never inside them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

HEARING_RATE = 16_000
"""Sample rate of everything the core hears, Hz."""
FRAME_SAMPLES = 512
"""Samples in a frame: 32 ms, the window of the voice activity detector."""
FRAME_MS = 1000 * FRAME_SAMPLES // HEARING_RATE
SPEAKING_RATE = 24_000
"""Sample rate of every reply, Hz."""

Stage = Literal["stt", "llm", "tts", "archive", "realtime"]


@dataclass(frozen=True, slots=True)
class Frame:
    """One window of the user's audio: ``FRAME_SAMPLES`` of mono s16le at ``HEARING_RATE``."""

    pcm: bytes
    speech: float
    """Probability, 0..1, that somebody speaks in it."""


# Commands: what the client asks for.


@dataclass(frozen=True, slots=True)
class Say:
    """A typed turn."""

    text: str


@dataclass(frozen=True, slots=True)
class Commit:
    """The user's turn ends here (push to talk, or an uploaded file at its end)."""

    respond: bool | None = None
    """Whether it is to be replied to; None: as the conversation's ``answering`` says."""


@dataclass(frozen=True, slots=True)
class Clear:
    """Forget what was said of the turn that is open."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Reply now: to the turn that waits for it, else to the context alone."""

    reply_id: UUID
    """Chosen by whoever asks, so that they know the reply when it comes."""
    manner: Manner | None = None
    """None: the conversation's own."""
    context: tuple[Message, ...] | None = None
    """All that the language model gets; None: the conversation's own."""
    aside: bool = False
    """Beside the conversation: it interrupts nothing, nothing interrupts it, and it is not kept."""
    goes_on: bool = True
    """The words of the turn that is answered belong behind ``context``, if they come later."""


@dataclass(frozen=True, slots=True)
class Interrupt:
    """Stop the reply. ``heard_ms`` is None where the client cannot tell."""

    heard_ms: int | None = None
    reply_id: UUID | None = None
    """None: the one of the turn that is alive."""


@dataclass(frozen=True, slots=True)
class Playback:
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
class AudioLeft:
    """A piece of a reply's audio left this process; sent for its first and its last piece."""

    reply_id: UUID
    last: bool = False


@dataclass(frozen=True, slots=True)
class HangUp:
    """The client is gone, or asked to end the session."""

    reason: str = "client_left"


Command = Say | Commit | Clear | Answer | Interrupt | Playback | AudioLeft | HangUp


# Stage events: what an engine reports.


@dataclass(frozen=True, slots=True)
class PartialTranscript:
    turn_id: UUID
    text: str


@dataclass(frozen=True, slots=True)
class FinalTranscript:
    turn_id: UUID
    text: str
    reply_id: UUID | None = None
    """The reply this transcript was asked for (a flush or an end carries it)."""


@dataclass(frozen=True, slots=True)
class ReplySentence:
    """A sentence of the reply, complete, about to be spoken."""

    reply_id: UUID
    sentence: int
    text: str


@dataclass(frozen=True, slots=True)
class SentenceSoFar:
    """What is written of a sentence that is already being spoken. Nobody is told of it: it only
    serves to say what was heard, should the reply be interrupted."""

    reply_id: UUID
    sentence: int
    text: str


@dataclass(frozen=True, slots=True)
class ReplyText:
    """The language model has finished; ``text`` is the whole reply as it was written."""

    reply_id: UUID
    text: str
    sentences: int
    """How many sentences were sent to be spoken: 0 means that no audio will come."""
    cut: bool = False
    """It has reached ``Manner.max_tokens``: the model would have gone on."""


@dataclass(frozen=True, slots=True)
class ReplyAudio:
    """A piece of a reply, in playing order: mono s16le at ``SPEAKING_RATE``, an even length."""

    reply_id: UUID
    sequence: int
    sentence: int
    pcm: bytes
    last: bool = False
    """Nothing of this reply comes after it (it may be empty)."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A duration that another process measured with its own clock, e.g. ``llm_ttft``."""

    turn_id: UUID
    metric: str
    ms: float


@dataclass(frozen=True, slots=True)
class StageFailed:
    """A stage gave up: it costs this turn, never the session."""

    turn_id: UUID
    stage: Stage
    provider: str
    code: str
    message: str
    retryable: bool
    reply_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class ProviderSwitched:
    """A provider failed before its first output and the next one on the list took the turn."""

    turn_id: UUID
    stage: Stage
    failed: str
    """The provider that failed, by name."""
    code: str
    """Why: the error's code."""
    provider: str
    """The one that goes on."""


@dataclass(frozen=True, slots=True)
class ToolInvoked:
    """A tool was run for this reply, or refused. Sent when it is over."""

    turn_id: UUID
    reply_id: UUID
    invocation_id: UUID
    task_id: UUID
    """Groups what one request led to."""
    tool: str
    arguments: str
    """JSON text."""
    status: Literal["succeeded", "failed", "timed_out", "refused"]
    result: str
    """JSON text, or what went wrong."""
    ms: float


@dataclass(frozen=True, slots=True)
class EndRequested:
    """A tool asked for the session's end, once this reply has been heard."""

    reply_id: UUID


@dataclass(frozen=True, slots=True)
class ToolCalled:
    """The language model asks for a tool that the client runs (``Manner.tools``).

    The reply ends with it: ``ReplyText`` follows.
    """

    turn_id: UUID
    reply_id: UUID
    call: ToolCall


@dataclass(frozen=True, slots=True)
class TurnFound:
    """An engine that finds turns itself has heard somebody begin to speak."""


@dataclass(frozen=True, slots=True)
class TurnOver:
    """An engine that finds turns itself has heard them finish."""


@dataclass(frozen=True, slots=True)
class EngineLost:
    """The engine cannot go on at all: another one may take the session over."""

    provider: str
    code: str
    message: str
    retryable: bool


@dataclass(frozen=True, slots=True)
class Used:
    """The provider's own count of what a request cost."""

    turn_id: UUID
    reply_id: UUID
    prompt_tokens: int
    """Of the first request; what tools added later does not count."""
    completion_tokens: int


StageEvent = (
    PartialTranscript
    | FinalTranscript
    | ReplySentence
    | SentenceSoFar
    | ReplyText
    | ReplyAudio
    | Measured
    | ProviderSwitched
    | ToolInvoked
    | EndRequested
    | ToolCalled
    | TurnFound
    | TurnOver
    | EngineLost
    | Used
    | StageFailed
)


@dataclass(frozen=True, slots=True)
class ToolCall:
    """What a language model wants done, as it asked for it: nothing of it is checked yet."""

    id: str
    name: str
    arguments: str
    """JSON text, to be validated against the tool's parameters."""


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as a language model is told of it."""

    name: str
    description: str
    parameters: str
    """JSON text: the JSON Schema of its arguments, an object."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How a reply is to be made, beside what it replies to."""

    spoken: bool = True
    """False: text alone."""
    voice: str = ""
    """Empty: the session's."""
    tools: tuple[ToolSpec, ...] = ()
    """Tools that the client runs, beside those of the session that run here."""
    tool_choice: str = "auto"
    """``auto``, ``none``, ``required``, or the name of the one that must be called."""
    max_tokens: int | None = None
    """Of the reply; None: as many as the provider likes."""


@dataclass(frozen=True, slots=True)
class Message:
    """One line of the context that a language model gets."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    """With role ``assistant``: what it asked for."""
    tool_call_id: str = ""
    """With role ``tool``: whose result ``content`` is."""


@dataclass(frozen=True, slots=True)
class TurnDetection:
    """How a turn's beginning and end are found. All durations in ms."""

    kind: Literal["vad", "manual", "none", "server", "semantic"] = "vad"
    """``manual``: the client opens the turn with its first audio and ends it with a commit.
    ``none``: a commit makes a turn of all that came since the last one, whether or not somebody
    is heard in it, and speech interrupts nothing.
    ``server`` and ``semantic``: the engine finds the turns, by silence or by what was said."""
    threshold: float = 0.5
    """Speech probability that starts a turn; it ends 0.15 below (hysteresis)."""
    prefix_ms: int = 300
    """Audio from before the detected onset that still belongs to the turn."""
    min_speech_ms: int = 96
    """Speech shorter than this is a click, not an onset."""
    min_barge_in_ms: int = 192
    """The same while a reply plays: a cough must not stop it."""
    silence_ms: int = 600
    """Silence that ends the turn."""
    eager_silence_ms: int | None = None
    """Silence after which the reply is prepared before the turn is sure to have ended."""
    max_turn_ms: int = 120_000


@dataclass(frozen=True, slots=True)
class ConversationConfig:
    system_prompt: str = ""
    barge_in: bool = True
    turn_detection: TurnDetection = field(default_factory=TurnDetection)
    history: tuple[Message, ...] = ()
    """Messages from before this conversation, where it continues an earlier one."""
    context_turns: int = 20
    """Turns that the context reaches back."""
    answering: Literal["always", "asked", "never"] = "always"
    """Whether a turn is replied to by itself, on an ``Answer``, or not at all."""
    manner: Manner = field(default_factory=Manner)
    """Of the replies that are made by themselves."""
    context_tokens: int = 6_000
    """Tokens that the context may have, estimated; the system prompt and the turn itself always
    go along."""

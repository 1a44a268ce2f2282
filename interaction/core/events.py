"""What an engine reports to the turn machine. Frozen values; the time travels beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from interaction.core.types import Stage, ToolCall


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
class PartialSentence:
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
    """It has reached ``ResponseOptions.max_tokens``: the model would have gone on."""


@dataclass(frozen=True, slots=True)
class ReplyAudio:
    """A piece of a reply, in playing order: mono s16le at ``OUTPUT_SAMPLE_RATE``."""

    reply_id: UUID
    sequence: int
    sentence: int
    pcm: bytes
    last: bool = False
    """Nothing of this reply comes after it (it may be empty)."""


@dataclass(frozen=True, slots=True)
class MetricMeasured:
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
class SessionEndRequested:
    """A tool asked for the session's end, once this reply has been heard."""

    reply_id: UUID


@dataclass(frozen=True, slots=True)
class ClientToolCalled:
    """The language model asks for a tool that the client runs (``ResponseOptions.tools``).

    The reply ends with it: ``ReplyText`` follows.
    """

    turn_id: UUID
    reply_id: UUID
    call: ToolCall


@dataclass(frozen=True, slots=True)
class EngineSpeechStarted:
    """An engine that finds turns itself has heard somebody begin to speak."""


@dataclass(frozen=True, slots=True)
class EngineSpeechStopped:
    """An engine that finds turns itself has heard them finish."""


@dataclass(frozen=True, slots=True)
class EngineLost:
    """The engine cannot go on at all: another one may take the session over."""

    provider: str
    code: str
    message: str
    retryable: bool


@dataclass(frozen=True, slots=True)
class UsageReported:
    """The provider's own count of what a request cost."""

    turn_id: UUID
    reply_id: UUID
    prompt_tokens: int
    """Of the first request; what tools added later does not count."""
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class AnalyserVerdict:
    """What an analyser that runs off the event loop measured in the person's audio."""

    name: str
    """The analyser's name."""
    value: float
    at_ms: int
    """Where the analysed audio ends in all that came from the microphone, ms from its start."""


EngineEvent = (
    PartialTranscript
    | FinalTranscript
    | ReplySentence
    | PartialSentence
    | ReplyText
    | ReplyAudio
    | MetricMeasured
    | ProviderSwitched
    | ToolInvoked
    | SessionEndRequested
    | ClientToolCalled
    | EngineSpeechStarted
    | EngineSpeechStopped
    | EngineLost
    | UsageReported
    | StageFailed
    | AnalyserVerdict
)

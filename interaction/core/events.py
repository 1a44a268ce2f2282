"""What is reported to the turn machine: by an engine, or by an analyser of the input audio.

Frozen values; the time at which each was received travels beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from interaction.core.types import CutReason, Stage, ToolCall


@dataclass(frozen=True, slots=True)
class PartialTranscript:
    turn_id: UUID
    text: str
    """What the turn is understood to say so far; the next one may say otherwise."""


@dataclass(frozen=True, slots=True)
class FinalTranscript:
    turn_id: UUID
    text: str
    reply_id: UUID | None = None
    """The reply that this transcript was requested for by a flush or an end; None: for none."""


@dataclass(frozen=True, slots=True)
class ReplySentence:
    """A sentence of the reply, complete, about to be spoken."""

    reply_id: UUID
    sentence: int
    text: str


@dataclass(frozen=True, slots=True)
class PartialSentence:
    """The text so far of a sentence that is already being spoken. It is not shown: it only serves
    to work out what was heard, should the reply be interrupted."""

    reply_id: UUID
    sentence: int
    text: str


@dataclass(frozen=True, slots=True)
class ReplyAtWork:
    """The language model is at work, and has nothing to say yet: it reasons, say."""

    reply_id: UUID


@dataclass(frozen=True, slots=True)
class ReplyText:
    """The language model has finished; ``text`` is the whole reply as it was written."""

    reply_id: UUID
    text: str
    sentences: int
    """Number of sentences that are being synthesised; 0: no audio will come."""
    cut: CutReason | None = None
    """Why it is less than the model's whole answer; None: it is whole."""


@dataclass(frozen=True, slots=True)
class ReplyAudio:
    """A piece of a reply, in playing order: mono s16le at ``OUTPUT_SAMPLE_RATE``."""

    reply_id: UUID
    sequence: int
    sentence: int
    pcm: bytes
    last: bool = False
    """Whether it is the reply's last piece (which may be empty)."""


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
    """A provider failed before its first output, and the next one on the list serves the turn."""

    turn_id: UUID
    stage: Stage
    failed: str
    """Name of the provider that failed."""
    code: str
    """Code of its error."""
    provider: str
    """Name of the provider that goes on."""


@dataclass(frozen=True, slots=True)
class ToolInvoked:
    """A tool was run for this reply, or refused. Sent when it is over."""

    turn_id: UUID
    reply_id: UUID
    invocation_id: UUID
    task_id: UUID
    """Id of the task that groups all calls of one request."""
    tool: str
    arguments: str
    """JSON text."""
    status: Literal["succeeded", "failed", "timed_out", "refused"]
    result: str
    """JSON text, or what went wrong."""
    ms: float
    """Duration of the call."""
    call_id: str = ""
    """Id of the call, as the model gave it."""
    round: int = 0
    """Which of the reply's requests for tools it belongs to, from 0: those of one were made at
    once."""
    sentences: int = 0
    """How many of the reply's sentences were written before it."""


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
    """An engine that finds turns itself has found the start of speech."""


@dataclass(frozen=True, slots=True)
class EngineSpeechStopped:
    """An engine that finds turns itself has found the end of the turn."""


@dataclass(frozen=True, slots=True)
class EngineLost:
    """The engine cannot go on at all: another one may take the session over."""

    provider: str
    code: str
    message: str
    retryable: bool


@dataclass(frozen=True, slots=True)
class UsageReported:
    """The provider's own count of the tokens of a reply."""

    turn_id: UUID
    reply_id: UUID
    prompt_tokens: int
    """Tokens of the first request's prompt; what tools added later does not count."""
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class AnalyserVerdict:
    """What an analyser of the person's audio found that works off the event loop (a model that
    judges whether a turn has ended, say). It goes to the strategies of turn-taking."""

    name: str
    """Name of the analyser."""
    value: float
    """Its verdict; what it means is between the analyser and the strategy that reads it."""
    at_ms: int
    """Where the audio that it judged ends in all input audio, ms: it may come late."""


EngineEvent = (
    PartialTranscript
    | FinalTranscript
    | ReplySentence
    | PartialSentence
    | ReplyAtWork
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
)
"""What an engine may report."""

Event = EngineEvent | AnalyserVerdict
"""Everything that ``TurnMachine.on_event`` accepts."""

"""Plain values that every part of a conversation shares: audio constants, messages, tool calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

INPUT_SAMPLE_RATE = 16_000
"""Sample rate of all input audio, Hz."""


FRAME_SAMPLES = 512
"""Samples in a frame: 32 ms, the window of the voice activity detector."""


FRAME_MS = 1000 * FRAME_SAMPLES // INPUT_SAMPLE_RATE


OUTPUT_SAMPLE_RATE = 24_000
"""Sample rate of every reply, Hz."""


Stage = Literal["stt", "llm", "tts", "archive", "realtime"]


@dataclass(frozen=True, slots=True)
class Frame:
    """One window of the user's audio: ``FRAME_SAMPLES`` of mono s16le at ``INPUT_SAMPLE_RATE``."""

    pcm: bytes
    speech: float
    """Probability, 0..1, that somebody speaks in it."""
    level_dbfs: float | None = None
    """Loudness, dB below full scale (0 is the loudest); None: not measured."""
    analysis: Mapping[str, float] = field(default_factory=dict)
    """What other analysers measured in it, by their names. A verdict that takes longer comes as
    ``events.AnalyserVerdict``."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A language model's call of a tool, as it was written: nothing of it is checked yet."""

    id: str
    name: str
    arguments: str
    """JSON text, to be validated against the tool's parameters."""


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as it is described to a language model."""

    name: str
    description: str
    parameters: str
    """JSON text: the JSON Schema of its arguments, an object."""


@dataclass(frozen=True, slots=True)
class ResponseOptions:
    """How a reply is to be made, beside what it replies to."""

    spoken: bool = True
    """Whether the reply is synthesised; false: it is text alone."""
    voice: str = ""
    """Name of the voice; empty: the session's."""
    tools: tuple[ToolSpec, ...] = ()
    """Tools that the client runs, beside those of the session that run here."""
    tool_choice: str = "auto"
    """``auto``, ``none``, ``required``, or the name of the tool that must be called."""
    max_tokens: int | None = None
    """Tokens that the reply may have; None: the provider's own limit."""


@dataclass(frozen=True, slots=True)
class Message:
    """One line of the context that a language model gets."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    """Tool calls of a message with role ``assistant``."""
    tool_call_id: str = ""
    """Id of the tool call whose result ``content`` is, with role ``tool``."""

    def followed_by(self, words: str) -> Message:
        """The same, with what its speaker said next."""
        return replace(self, content=f"{self.content} {words}")


CutReason = Literal["length", "content_filter"]
"""Why a reply is less than the model's whole answer: it has reached its greatest length, or a
filter of the provider's has stopped it."""


BargeIn = Literal["off", "immediate", "considered"]
"""What speech over a reply does: nothing; stop it as soon as it is sure to be speech; or stop it
once it is sure to be more than a listener's "mm-hmm", a cough, or somebody else's."""


Mode = Literal["cascade", "realtime"]


Status = Literal["listening", "recording", "transcribing", "responding", "speaking"]


EndReason = Literal[
    "played",
    "heard",
    "interrupted",
    "superseded",
    "stopped",
    "mode_changed",
    "client_left",
    "session_ended",
    "timeout",
    "failed",
]
"""How an archived turn ended; ``turn_endings`` says what each means."""


@dataclass(frozen=True, slots=True)
class ProviderSelection:
    """What a session asks for, safe to store and to send: it never holds a key."""

    name: str
    model: str = ""
    voice: str = ""
    language: str = ""

"""What a speech-to-speech provider is: a connection that audio goes into and events come out of."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from interaction.core.config import TurnDetection
from interaction.core.turn_taking.vad import VadTurnDetection
from interaction.core.types import CutReason, Message, ToolCall, ToolSpec
from interaction.providers.errors import ProviderError
from interaction.providers.stage_protocols import Usage


@dataclass(frozen=True, slots=True)
class RealtimeSessionConfig:
    """The settings with which a connection to a realtime provider opens."""

    instructions: str
    history: tuple[Message, ...] = ()
    """Earlier messages, where the connection continues a conversation."""
    tools: tuple[ToolSpec, ...] = ()
    turn_detection: TurnDetection = field(default_factory=VadTurnDetection)
    """``EngineTurnDetection``: the provider finds the turns. With the others, ``start_turn`` and
    ``commit_turn`` mark them."""
    barge_in: bool = True


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """The provider's own turn detection: the person has started to speak."""


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    """The provider's own turn detection: the person's turn has ended, and a reply will come."""


@dataclass(frozen=True, slots=True)
class InputTranscript:
    """The transcript of a turn of the person's: all of it so far."""

    turn: int
    """Which of the connection's spoken turns, counted from 0: it may come late."""
    text: str
    final: bool


@dataclass(frozen=True, slots=True)
class OutputAudio:
    """More of the reply's audio."""

    pcm: bytes
    """Mono s16le at 24 kHz, an even length."""


@dataclass(frozen=True, slots=True)
class OutputTranscript:
    """More of the reply's text, a piece of any size."""

    text: str


@dataclass(frozen=True, slots=True)
class ResponseDone:
    """The reply has come whole, or was cut off. Without ``calls``, nothing more comes of it.

    With them, the same reply goes on once ``RealtimeConnection.send_tool_results`` has answered
    every one.
    """

    calls: tuple[ToolCall, ...] = ()
    cut_off: bool = False
    error: ProviderError | None = None
    """Why nothing, or no more, comes of it; the connection goes on."""
    usage: Usage | None = None
    cut: CutReason | None = None
    """Why the reply is less than the model's whole answer, though nobody interrupted it."""


RealtimeEvent = (
    SpeechStarted | SpeechStopped | InputTranscript | OutputAudio | OutputTranscript | ResponseDone
)


class RealtimeConnection(Protocol):
    """One conversation with a provider. Its methods raise ``ProviderError`` when it is broken."""

    async def feed_audio(self, pcm: bytes) -> None:
        """More of the person's audio: mono s16le at 16 kHz, any even length."""
        ...

    async def start_turn(self) -> None:
        """A turn that is found here starts (``vad``, ``manual``): the audio fed from here on
        belongs to it."""
        ...

    async def commit_turn(self) -> None:
        """The turn ends here: transcribe it and reply."""
        ...

    async def discard_turn(self) -> None:
        """The turn came to nothing: drop its audio."""
        ...

    async def send_text(self, text: str) -> None:
        """A typed turn: reply to it."""
        ...

    async def cancel_reply(self, heard_ms: int) -> None:
        """Cut the reply off; ``heard_ms`` of its audio reached the person's ear, and no more of its
        text is to stay in the conversation than that. Where it had not come whole, its
        ``ResponseDone`` still comes, and pieces of it may before that; one that waits for results
        has had it."""
        ...

    async def send_tool_results(self, results: Sequence[Message]) -> None:
        """What the tools of ``ResponseDone.calls`` gave, in their order (role ``tool``)."""
        ...

    def events(self) -> AsyncIterator[RealtimeEvent]:
        """The provider's events, in its order. Raises ``ProviderError`` when the connection is lost
        for good; one that a provider can resume goes on without an event."""
        ...

    async def aclose(self) -> None: ...


class RealtimeModel(Protocol):
    async def open(self, session: RealtimeSessionConfig) -> RealtimeConnection:
        """Raises ``ProviderError``."""
        ...

    async def aclose(self) -> None: ...

"""What a provider is: four small protocols, async iterators in and out.

A provider is a plain class. It knows no Django, no Celery and no session; it is made once per
worker process and configuration, lives on that process's event loop and keeps its connections
warm there. Cancelling the task that iterates must stop the work and free what it holds.
Errors leave as ``interaction.providers.errors.ProviderError``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from interaction.core.config import TurnDetection
from interaction.core.turn_taking.vad import VadTurnDetection
from interaction.core.types import Message, ToolCall, ToolSpec
from interaction.providers.errors import ProviderError

Kind = Literal["stt", "llm", "tts", "realtime"]


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a provider can do, told without making it."""

    streaming: bool
    """STT: partials while audio arrives. LLM, TTS: output before the input is complete."""
    languages: tuple[str, ...] = ()
    """BCP 47 tags; empty where it depends on the model."""
    sample_rate: int | None = None
    """STT: the rate it wants. TTS: the rate it gives, where fixed. Hz."""
    voices: tuple[str, ...] = ()
    """Some that it has, the default one first; it may take others too."""
    models: tuple[str, ...] = ()
    """Some that it has, the default one first; it may take others too."""
    tools: bool = False
    """LLM: it can be given tools."""
    needs_key: bool = False


@dataclass(frozen=True, slots=True)
class ProviderChoice:
    """What a session asks for, safe to store and to send: it never holds a key."""

    name: str
    model: str = ""
    voice: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class ProviderConfig:
    """How one provider is to be made. Hashable, so that instances can be kept and reused."""

    name: str
    model: str = ""
    voice: str = ""
    language: str = "en"
    base_url: str = ""
    """Empty: the provider's own address."""
    api_key: str = field(default="", repr=False)
    sample_rate: int = 24_000
    """TTS over HTTP: raw PCM carries no rate, so it is a setting."""


@dataclass(frozen=True, slots=True)
class Transcript:
    text: str
    final: bool


class Flush:
    """A mark in the audio: give the transcript so far as if final; more may follow."""


FLUSH = Flush()


class SpeechToText(Protocol):
    def transcribe(self, audio: AsyncIterator[bytes | Flush]) -> AsyncIterator[Transcript]:
        """Yield partials as the audio comes, a final after each ``FLUSH``, and one at its end.

        ``audio``: mono s16le at 16 kHz, pieces of any even length. A final text covers the whole
        utterance so far; it is empty when nothing was understood. A partial that repeats the one
        before says that work goes on.
        """
        ...

    async def aclose(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Usage:
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class Cut:
    """The reply has reached ``max_tokens``: the model would have gone on."""


Written = str | ToolCall | Usage | Cut


class LanguageModel(Protocol):
    def complete(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec] = (),
        *,
        tool_choice: str = "auto",
        max_tokens: int | None = None,
    ) -> AsyncIterator[Written]:
        """Yield the reply as it comes: text in pieces of any size, never an empty one; each tool
        call once it is complete; ``Cut`` where that is so; and, where the provider counts, what
        it cost.

        A reply with tool calls is not the end: the caller runs them and asks again with the calls
        and their results among the messages.
        """
        ...

    async def aclose(self) -> None: ...


class TextToSpeech(Protocol):
    sample_rate: int

    def synthesize(self, text: str) -> AsyncIterator[bytes]:
        """Yield mono s16le at ``sample_rate`` as it comes; pieces of any even length."""
        ...

    async def aclose(self) -> None: ...


# Speech to speech.


@dataclass(frozen=True, slots=True)
class LineTerms:
    """What a realtime provider is told when a line to it opens."""

    instructions: str
    history: tuple[Message, ...] = ()
    """What was said before, where the line continues a conversation."""
    tools: tuple[ToolSpec, ...] = ()
    turns: TurnDetection = field(default_factory=VadTurnDetection)
    """Where the engine detects turns, the provider finds them. Else it is told of each end."""
    barge_in: bool = True


@dataclass(frozen=True, slots=True)
class SpeechBegan:
    """The provider's own turn detection: somebody begins to speak."""


@dataclass(frozen=True, slots=True)
class SpeechOver:
    """The provider's own turn detection: they have finished, and a reply will come."""


@dataclass(frozen=True, slots=True)
class Words:
    """What the person is understood to have said: all of it so far."""

    turn: int
    """Which of the line's spoken turns, from 0: it may come late."""
    text: str
    final: bool


@dataclass(frozen=True, slots=True)
class Voice:
    """More of the reply's audio: mono s16le at 24 kHz, an even length."""

    pcm: bytes


@dataclass(frozen=True, slots=True)
class SpokenText:
    """More of the reply's text, a piece of any size."""

    text: str


@dataclass(frozen=True, slots=True)
class ReplyDone:
    """The reply has come whole, or was cut off. Without ``calls``, nothing more comes of it.

    With them, the same reply goes on once ``RealtimeLine.results`` has answered every one.
    """

    calls: tuple[ToolCall, ...] = ()
    cut_off: bool = False
    error: ProviderError | None = None
    """Why nothing, or no more, comes of it; the line goes on."""
    usage: Usage | None = None


LineEvent = SpeechBegan | SpeechOver | Words | Voice | SpokenText | ReplyDone


class RealtimeLine(Protocol):
    """One conversation with a provider. Its methods raise ``ProviderError`` when it is broken."""

    async def hear(self, pcm: bytes) -> None:
        """More of the person's audio: mono s16le at 16 kHz, any even length."""
        ...

    async def begin(self) -> None:
        """A turn of ours begins (``vad``, ``manual``): what is heard from here on belongs to it."""
        ...

    async def end(self) -> None:
        """The turn ends here: transcribe it and reply."""
        ...

    async def forget(self) -> None:
        """The turn came to nothing: forget its audio."""
        ...

    async def say(self, text: str) -> None:
        """A typed turn: reply to it."""
        ...

    async def stop(self, heard_ms: int) -> None:
        """Cut the reply off; ``heard_ms`` of its audio reached the person, and no more of its
        text is to stay in the conversation than that. Where it had not come whole, its
        ``ReplyDone`` still comes, and pieces of it may before that; one that waits for results
        has had it."""
        ...

    async def results(self, results: Sequence[Message]) -> None:
        """What the tools of ``ReplyDone.calls`` gave, in their order (role ``tool``)."""
        ...

    def events(self) -> AsyncIterator[LineEvent]:
        """What the provider says, in its order. Raises ``ProviderError`` when the line is lost for
        good; a line that a provider can resume goes on without a word."""
        ...

    async def aclose(self) -> None: ...


class RealtimeModel(Protocol):
    async def open(self, terms: LineTerms) -> RealtimeLine:
        """Raises ``ProviderError``."""
        ...

    async def aclose(self) -> None: ...

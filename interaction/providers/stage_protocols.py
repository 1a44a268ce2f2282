"""What a provider of a cascade's stage is: three small protocols, async iterators in and out.

A provider is a plain class. It knows no Django, no Celery and no session; it is made once per
worker process and configuration, lives on that process's event loop and keeps its connections
warm there. Cancelling the task that iterates must stop the work and free what it holds.
Errors leave as ``interaction.providers.errors.ProviderError``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from interaction.core.types import CutReason, Message, ToolCall, ToolSpec


@dataclass(frozen=True, slots=True)
class Transcript:
    text: str
    """All of the utterance so far."""
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
class AnswerCut:
    """The reply is less than the model's whole answer."""

    reason: CutReason


class Working:
    """The model is at work, and has nothing to say yet: it reasons, say, or writes a tool call."""


WORKING = Working()


LanguageModelOutput = str | ToolCall | Usage | AnswerCut | Working
"""Text is valid Unicode: no half of a surrogate pair in it."""


class LanguageModel(Protocol):
    def complete(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec] = (),
        *,
        tool_choice: str = "auto",
        max_tokens: int | None = None,
    ) -> AsyncIterator[LanguageModelOutput]:
        """Yield the reply as it comes: text in pieces of any size, never an empty one; each tool
        call once it is complete; ``WORKING`` now and then while nothing else comes;
        ``AnswerCut`` where the answer is not the model's whole one; and, where the provider
        counts, what it cost.

        A reply with tool calls is not the end: the caller runs them and asks again with the calls
        and their results among the messages.
        """
        ...

    async def aclose(self) -> None: ...


class TextToSpeech(Protocol):
    sample_rate: int
    """Hz."""

    def synthesize(self, text: str) -> AsyncIterator[bytes]:
        """Yield mono s16le at ``sample_rate`` as it comes; pieces of any even length."""
        ...

    async def aclose(self) -> None: ...

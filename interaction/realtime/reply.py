"""One reply of a realtime provider: its text cut into sentences, its audio assigned to them.

Sans-IO. A realtime API says neither where in the audio a sentence begins nor how fast it speaks, so
that is estimated from the length of the text: good enough to tell what of a reply was heard.
"""

from __future__ import annotations

from uuid import UUID

from interaction.core.events import (
    EngineEvent,
    PartialSentence,
    ReplyAudio,
    ReplySentence,
    ReplyText,
)
from interaction.core.sentence_splitter import SentenceSplitter
from interaction.core.types import OUTPUT_SAMPLE_RATE, CutReason
from interaction.provider_calls.call import ProviderCall
from interaction.tools.tool_calls import ToolCalls

MS_A_CHARACTER = 65.0
"""Milliseconds that English speech takes for a character of text."""
MS_A_WIDE_CHARACTER = 220.0
"""The same for a character of Chinese, Japanese or Korean."""


class RealtimeReply:
    def __init__(self, turn_id: UUID, reply_id: UUID, language: str = "") -> None:
        self.turn_id = turn_id
        self.id = reply_id
        self.text = ""
        self.complete = False
        """Nothing more of it comes: it was finished, cancelled, or has failed."""
        self.has_audio = False
        """Some of its audio has come."""
        self.call: ProviderCall | None = None
        """As which it counts; None where the provider was not asked for it."""
        self.tool_calls: ToolCalls | None = None
        """The tool calls of this reply; None before the first."""
        self._splitter = SentenceSplitter(language)
        self._ends_ms: list[float] = []
        """Estimated end of each complete sentence, in ms of the reply's audio."""
        self._audio_ms = 0.0
        self._sequence = 0
        """Number of the next piece of audio, from 0."""

    @property
    def sentences(self) -> int:
        """Number of complete sentences."""
        return len(self._ends_ms)

    def add_text(self, text: str) -> list[EngineEvent]:
        """Add a piece of text of any size. Returns the sentences that it completes, and the
        beginning of the next one where there is some."""
        self.text += text
        pieces = self._splitter.feed(text)
        events: list[EngineEvent] = [self._sentence(piece) for piece in pieces if piece.strip()]
        if so_far := self._splitter.open.strip():
            events.append(PartialSentence(self.id, self.sentences, so_far))
        return events

    def add_audio(self, pcm: bytes) -> ReplyAudio:
        """Add a piece of audio, mono s16le at ``OUTPUT_SAMPLE_RATE``."""
        last = self.sentences if self._splitter.open.strip() else max(self.sentences - 1, 0)
        sentence = next((n for n, end in enumerate(self._ends_ms) if self._audio_ms < end), last)
        self._audio_ms += 1000 * len(pcm) / 2 / OUTPUT_SAMPLE_RATE
        self._sequence += 1
        return ReplyAudio(self.id, self._sequence - 1, sentence, pcm)

    def end_sentence(self) -> list[ReplySentence]:
        """Complete the sentence at hand, if there is one: text that follows, after a tool call, is
        another sentence."""
        return [self._sentence(piece) for piece in self._splitter.finish() if piece.strip()]

    def finish(self, cut: CutReason | None = None) -> list[EngineEvent]:
        """Mark it complete. Returns its last sentence, its whole text and the end of its audio."""
        self.complete = True
        events: list[EngineEvent] = [*self.end_sentence()]
        spoken = max(self.sentences, 1) if self._sequence else 0
        events.append(ReplyText(self.id, self.text, spoken, cut))
        if spoken:
            last = max(self.sentences - 1, 0)
            events.append(ReplyAudio(self.id, self._sequence, last, b"", last=True))
        return events

    def _sentence(self, piece: str) -> ReplySentence:
        began = self._ends_ms[-1] if self._ends_ms else 0.0
        wide = sum(character > "\u2e80" for character in piece)
        ms = wide * MS_A_WIDE_CHARACTER + (len(piece) - wide) * MS_A_CHARACTER
        self._ends_ms.append(began + ms)
        return ReplySentence(self.id, self.sentences - 1, piece.strip())

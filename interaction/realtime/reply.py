"""One reply of a realtime provider: its text cut into sentences, its audio in step with them.

Sans-IO. The provider says neither where in the audio a sentence begins nor how fast it speaks, so
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
from interaction.core.types import OUTPUT_SAMPLE_RATE

MS_A_CHARACTER = 65.0
"""Of English speech; other scripts say more in a character, and take longer for it."""
MS_A_WIDE_CHARACTER = 220.0


class RealtimeReply:
    def __init__(self, turn: UUID, reply: UUID) -> None:
        self.turn = turn
        self.id = reply
        self.text = ""
        self.complete = False
        """The provider has said all of it."""
        self.heard_anything = False
        """Something of it has come."""
        self._splitter = SentenceSplitter()
        self._ends_ms: list[float] = []
        """Where each sentence is thought to end."""
        self._audio_ms = 0.0
        self._sequence = 0

    @property
    def sentences(self) -> int:
        return len(self._ends_ms)

    def write(self, text: str) -> list[EngineEvent]:
        """More of its text; return the sentences that are complete now, and what there is of the
        next one."""
        self.text += text
        pieces = self._splitter.feed(text)
        events: list[EngineEvent] = [self._sentence(piece) for piece in pieces if piece.strip()]
        if so_far := self._splitter.open.strip():
            events.append(PartialSentence(self.id, self.sentences, so_far))
        return events

    def speak(self, pcm: bytes) -> ReplyAudio:
        """More of its audio."""
        last = self.sentences if self._splitter.open.strip() else max(self.sentences - 1, 0)
        sentence = next((n for n, end in enumerate(self._ends_ms) if self._audio_ms < end), last)
        self._audio_ms += 1000 * len(pcm) / 2 / OUTPUT_SAMPLE_RATE
        self._sequence += 1
        return ReplyAudio(self.id, self._sequence - 1, sentence, pcm)

    def pause(self) -> list[ReplySentence]:
        """What follows, after a tool was run, is another sentence."""
        return [self._sentence(piece) for piece in self._splitter.finish() if piece.strip()]

    def finish(self) -> list[EngineEvent]:
        """Nothing more of it comes."""
        self.complete = True
        events: list[EngineEvent] = [*self.pause()]
        spoken = max(self.sentences, 1) if self._sequence else 0
        events.append(ReplyText(self.id, self.text, spoken))
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

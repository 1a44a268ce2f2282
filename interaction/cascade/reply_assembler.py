"""Puts a reply's audio and its text in step. Sans-IO; one a reply, on the web side."""

from __future__ import annotations

from collections import deque
from uuid import UUID

from interaction.core.events import ReplyAudio


class ReplyAssembler:
    """Audio comes by one way and text by another: a sentence's audio is held until its text is
    there, and which piece is the last is known only when the text is complete."""

    def __init__(self, reply: UUID) -> None:
        self.reply = reply
        self.released_sentences = 0
        """Sentences whose audio was released in full."""
        self.is_complete = False
        """The last piece was released."""
        self._texts = 0
        """Sentences whose text has come."""
        self._total: int | None = None
        """Sentences of the whole reply, once that is known."""
        self._sequence = 0
        self._held: deque[tuple[int, bytes, bool]] = deque()
        """Audio that waits for its text: sentence, PCM, whether it ends the sentence."""

    def on_sentence(self, sentence: int) -> list[ReplyAudio]:
        """The text of a sentence has come; return the audio that waited for it."""
        self._texts = max(self._texts, sentence + 1)
        return self._release()

    def on_text_complete(self, sentences: int) -> list[ReplyAudio]:
        """The whole text has come and has this many sentences; return the audio that is due."""
        self._total = sentences
        out = self._release()
        all_released = self.released_sentences == sentences and not self._held
        if sentences and all_released and not self.is_complete:
            out.append(self._piece(sentences - 1, b"", last=True))
        return out

    def on_audio(self, sentence: int, pcm: bytes, last: bool) -> list[ReplyAudio]:
        """The next piece of audio, mono s16le; ``last``: of its sentence. Return what is due."""
        self._held.append((sentence, pcm, last))
        return self._release()

    def _release(self) -> list[ReplyAudio]:
        out = []
        while self._held and self._held[0][0] < self._texts:
            sentence, pcm, last = self._held.popleft()
            if last:
                self.released_sentences = sentence + 1
            ends_reply = last and sentence + 1 == self._total
            if pcm or ends_reply:
                out.append(self._piece(sentence, pcm, last=ends_reply))
        return out

    def _piece(self, sentence: int, pcm: bytes, *, last: bool) -> ReplyAudio:
        self.is_complete = last
        self._sequence += 1
        return ReplyAudio(self.reply, self._sequence - 1, sentence, pcm, last)

"""Puts a reply's audio and its text in step. Sans-IO; one a reply, on the web side."""

from __future__ import annotations

from collections import deque
from uuid import UUID

from interaction.core.events import ReplyAudio


class ReplyAssembler:
    """Audio comes by one way and text by another: no sentence is heard before its text is known,
    and the last piece can only be named when the text is complete."""

    def __init__(self, reply: UUID) -> None:
        self.reply = reply
        self.heard_sentences = 0
        """Sentences whose audio came in full."""
        self.complete = False
        self._announced = 0
        self._total: int | None = None
        self._sequence = 0
        self._held: deque[tuple[int, bytes, bool]] = deque()

    def announce(self, sentence: int) -> list[ReplyAudio]:
        """The text of a sentence has come; return the audio that waited for it."""
        self._announced = max(self._announced, sentence + 1)
        return self._release()

    def written(self, sentences: int) -> list[ReplyAudio]:
        """The text is complete and has this many sentences."""
        self._total = sentences
        out = self._release()
        if sentences and self.heard_sentences == sentences and not self.complete and not self._held:
            out.append(self._piece(sentences - 1, b"", last=True))
        return out

    def hear(self, sentence: int, pcm: bytes, last: bool) -> list[ReplyAudio]:
        """The next piece of audio; ``last``: of its sentence."""
        self._held.append((sentence, pcm, last))
        return self._release()

    def _release(self) -> list[ReplyAudio]:
        out = []
        while self._held and self._held[0][0] < self._announced:
            sentence, pcm, last = self._held.popleft()
            if last:
                self.heard_sentences = sentence + 1
            ends = last and sentence + 1 == self._total
            if pcm or ends:
                out.append(self._piece(sentence, pcm, last=ends))
        return out

    def _piece(self, sentence: int, pcm: bytes, *, last: bool) -> ReplyAudio:
        self.complete = last
        self._sequence += 1
        return ReplyAudio(self.reply, self._sequence - 1, sentence, pcm, last)

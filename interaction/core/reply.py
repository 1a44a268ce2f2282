"""What a conversation remembers of one reply: its text, its audio, how much of it was heard."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from interaction.core.types import OUTPUT_SAMPLE_RATE


@dataclass(slots=True)
class Sentence:
    text: str
    audio_ms: float = 0.0
    """How much audio of it has come."""


@dataclass(slots=True)
class Reply:
    id: UUID
    text: str | None = None
    """The whole reply; None while it is still being written."""
    begun: bool = False
    """The client has been told of it."""
    silent: bool = False
    """It has ended, and there is no sound of it."""
    sentences: dict[int, Sentence] = field(default_factory=dict)
    audio_ms: float = 0.0
    complete: bool = False
    """No more audio will come."""
    first_left_at: float | None = None
    all_left: bool = False
    reported_ms: int | None = None
    """Playback truth: None until the client has reported once."""
    reported_at: float | None = None
    ended: bool = False

    def add_audio(self, sentence: int, pcm: bytes) -> None:
        ms = 1000 * len(pcm) / 2 / OUTPUT_SAMPLE_RATE
        self.audio_ms += ms
        self.sentences.setdefault(sentence, Sentence("")).audio_ms += ms

    def heard_ms(self, now: float) -> int:
        """How much the person has heard: as reported, carried on by the clock since then."""
        if self.first_left_at is None:
            return 0
        if self.reported_ms is None or self.reported_at is None:
            played = 1000 * (now - self.first_left_at)
        elif self.ended:
            played = self.reported_ms
        else:
            played = self.reported_ms + 1000 * (now - self.reported_at)
        return round(min(max(played, 0), self.audio_ms))

    def written(self) -> str:
        """The reply's text so far."""
        if self.text is not None:
            return self.text
        return " ".join(s.text for _, s in sorted(self.sentences.items()) if s.text)

    def heard_text(self, heard_ms: float) -> str:
        """The part of the text that fits into ``heard_ms``: whole sentences, then words in
        proportion. Always a prefix of ``written()``."""
        whole, end, left = self.written(), 0, float(heard_ms)
        for _, sentence in sorted(self.sentences.items()):
            start = whole.find(sentence.text, end)
            if start < 0 or left <= 0.5:  # what was heard comes rounded to whole milliseconds
                break
            if left < sentence.audio_ms - 1:
                spoken = int(len(sentence.text) * left / sentence.audio_ms)
                cut = sentence.text.rfind(" ", 0, spoken + 1)
                return whole[: start + max(cut, 0)].rstrip()
            left -= sentence.audio_ms
            end = start + len(sentence.text)
        return whole[:end].rstrip()

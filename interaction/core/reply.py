"""One reply: its text, its audio, how much of it was played and how much of it was heard."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from interaction.core.types import OUTPUT_SAMPLE_RATE

CLOCK_SLACK_MS = 250.0
"""By how much a client's account of its playback may be ahead of the time that has passed here."""


@dataclass(slots=True)
class Sentence:
    text: str
    audio_ms: float = 0.0
    """Length of the audio of it that has come."""


@dataclass(slots=True)
class Reply:
    """All times are monotonic seconds, all durations ms."""

    id: UUID
    text: str | None = None
    """The whole reply; None while it is still being written."""
    announced: bool = False
    """The client has been told that it starts (``ReplyStarted``)."""
    silent: bool = False
    """Its text is complete, and no audio comes with it."""
    sentences: dict[int, Sentence] = field(default_factory=dict)
    audio_ms: float = 0.0
    """Length of the audio that has come."""
    complete: bool = False
    """No more audio will come."""
    first_sent_at: float | None = None
    """When its first audio left for the client."""
    all_sent: bool = False
    """All of its audio has left for the client."""
    reported_ms: int | None = None
    """How much of it the client has played, by its latest report; None: it never reported."""
    reported_at: float | None = None
    playback_ended: bool = False
    """The client's latest report says that playback is over."""
    _audible_at: float | None = None
    """When its first audio was played, by the client's first report of playback going on."""
    _position: tuple[float, int] | None = None
    """Time and played ms of the latest report of playback going on."""

    def add_audio(self, sentence: int, pcm: bytes) -> None:
        ms = 1000 * len(pcm) / 2 / OUTPUT_SAMPLE_RATE
        self.audio_ms += ms
        self.sentences.setdefault(sentence, Sentence("")).audio_ms += ms

    def on_playback(self, played_ms: int, now: float, *, ended: bool) -> None:
        """The client reports how much it has played."""
        self.reported_ms, self.reported_at, self.playback_ended = played_ms, now, ended
        if ended or played_ms <= 0:
            return
        self._position = (now, played_ms)
        if self._audible_at is None:
            self._audible_at = now - played_ms / 1000

    @property
    def played_ms(self) -> int | None:
        """How much was played, once all of it was; None: it is not sent or not played to its end,
        or the client never reported."""
        if not self.all_sent or self.reported_ms is None:
            return None
        if self.playback_ended or self.reported_ms >= self.audio_ms - 1:
            return round(min(self.reported_ms, self.audio_ms))
        return None

    def heard_ms(self, now: float) -> int:
        """How much the person has heard: as reported, carried on by the clock since then."""
        if self.first_sent_at is None:
            return 0
        if self.reported_ms is None or self.reported_at is None:
            played = 1000 * (now - self.first_sent_at)
        elif self.playback_ended:
            played = self.reported_ms
        else:
            played = self.reported_ms + 1000 * (now - self.reported_at)
        return round(min(max(played, 0), self.audio_ms))

    def audible_span(self, heard_ms: int | None) -> tuple[float, float] | None:
        """When it became audible and when it ceased, with ``heard_ms`` of it heard; None where it
        was not heard, or not as it was sent: who says to have played more than time has passed got
        a file. A client that never reports playback is taken to play what it gets as it comes."""
        if self.first_sent_at is None or not heard_ms:
            return None
        if self.reported_at is not None and self.reported_ms is not None:
            passed_ms = 1000 * (self.reported_at - self.first_sent_at)
            if self.reported_ms > passed_ms + CLOCK_SLACK_MS:
                return None
        start = max(self._audible_at or self.first_sent_at, self.first_sent_at)
        at, played_ms = self._position or (start, 0)
        end = at + (heard_ms - played_ms) / 1000
        if self.playback_ended and self.reported_at is not None:
            end = min(end, self.reported_at)
        return start, max(start, end)

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

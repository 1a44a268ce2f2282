"""One reply: its text, its audio, how much of it was played and how much of it was heard."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from uuid import UUID

from interaction.core.types import OUTPUT_SAMPLE_RATE, CutReason

CLOCK_SLACK_MS = 250.0
"""By how much a client's account of its playback may be ahead of the time that has passed here."""
CARRIED_ON_MS = 500.0
"""For how long after a report playback is taken to go on: twice the time from one report to the
next. A client that plays, and is there, has reported again by then."""
PLAYED_SLACK_MS = 50.0
"""What may be missing of a reply that was played to its end: rounding, and the resampler's tail."""


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
    cut: CutReason | None = None
    """Why its text is less than the model's whole answer; None: it is all of it, or not known."""
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
    paused_at: float | None = None
    """Since when the client has reported that playback waits for the person; None: it does not."""
    is_reported: bool = False
    """The client reports playback, of this reply or of one before: what it does not report, it has
    not played."""
    _audible_at: float | None = None
    """When its first audio was played, by the client's first report of playback going on."""
    _position: tuple[float, int] | None = None
    """Time and played ms of the latest report of playback going on."""

    def add_audio(self, sentence: int, pcm: bytes) -> None:
        ms = 1000 * len(pcm) / 2 / OUTPUT_SAMPLE_RATE
        self.audio_ms += ms
        self.sentences.setdefault(sentence, Sentence("")).audio_ms += ms

    def on_playback(self, played_ms: int, now: float, *, ended: bool, paused: bool = False) -> None:
        """The client reports how much it has played."""
        self.reported_ms, self.reported_at, self.playback_ended = played_ms, now, ended
        self.is_reported |= not ended
        self.paused_at = (self.paused_at or now) if paused and not ended else None
        if ended or paused or played_ms <= 0:
            return
        self._position = (now, played_ms)
        if self._audible_at is None:
            self._audible_at = now - played_ms / 1000

    @property
    def is_over(self) -> bool:
        """Whether the client plays no more of it: it has played all, or ended its playback before.
        A client that cuts off what it never reported playing is taken at its word once all was
        sent."""
        if self.reported_ms is None or not (self.all_sent or self.is_reported):
            return False
        return self.playback_ended or (self.all_sent and self.reported_ms >= self.audio_ms - 1)

    def is_whole(self, heard_ms: float) -> bool:
        """Whether ``heard_ms`` is all of it."""
        return self.all_sent and heard_ms >= self.audio_ms - PLAYED_SLACK_MS

    def heard_ms(self, now: float, *, carried_on: bool) -> int:
        """How much the person has heard, as the client reported. ``carried_on``: and went on
        playing since then, as far as that is to be believed."""
        if self.first_sent_at is None:
            return 0
        if self.reported_ms is None or self.reported_at is None:
            played = 0 if self.is_reported else 1000 * (now - self.first_sent_at)
        elif self.playback_ended or self.paused_at is not None or not carried_on:
            played = self.reported_ms
        else:
            played = self.reported_ms + min(1000 * (now - self.reported_at), CARRIED_ON_MS)
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
        """The part of the text that fits into ``heard_ms``: whole sentences, then whole words in
        proportion. Always a prefix of ``written()``."""
        whole, end, left = self.written(), 0, float(heard_ms)
        for _, sentence in sorted(self.sentences.items()):
            start = whole.find(sentence.text, end)
            if start < 0 or left <= 0.5:  # what was heard comes rounded to whole milliseconds
                break
            if left < sentence.audio_ms - 1:
                spoken = int(len(sentence.text) * left / sentence.audio_ms)
                return whole[: start + _end_of_word(sentence.text, spoken)].rstrip()
            left -= sentence.audio_ms
            end = start + len(sentence.text)
        return whole[:end].rstrip()

    def end_of_sentence(self, count: int) -> int:
        """Where in ``written()`` its first ``count`` sentences end."""
        whole, end = self.written(), 0
        for _, sentence in sorted(self.sentences.items())[:count]:
            start = whole.find(sentence.text, end)
            if start >= 0:
                end = start + len(sentence.text)
        return end


_NO_WORD = frozenset(["Mn", "Mc", "Me", "Cf", "Sk", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po"])
"""Categories of the characters with which no word begins."""


def _end_of_word(text: str, at: int) -> int:
    """Where the last word ends that is over before ``at``; scripts that put no spaces between their
    words may be cut between any two of their letters."""
    while 0 < at < len(text) and not (text[at].isspace() or _stands_alone(text, at)):
        at -= 1
    return at


def _stands_alone(text: str, at: int) -> bool:
    """Whether a word may end before ``text[at]`` without a space."""
    before, here = text[at - 1], text[at]
    # Marks, what joins letters, and punctuation belong to the letter before.
    belongs_to_it = unicodedata.category(here) in _NO_WORD
    return _is_unspaced(before) and not belongs_to_it


def _is_unspaced(letter: str) -> bool:
    """Whether it is of a script that puts no spaces between words: Chinese and Japanese, Thai, Lao,
    Burmese and Khmer. Korean does."""
    if "\u0e00" <= letter <= "\u0eff" or "\u1000" <= letter <= "\u109f":
        return True
    if "\u1780" <= letter <= "\u17ff":
        return True
    is_hangul = "\uac00" <= letter <= "\ud7a3" or "\u1100" <= letter <= "\u11ff"
    return unicodedata.east_asian_width(letter) in "WF" and not is_hangul

"""One utterance: where somebody speaks in it, when it is worth a look, and what was understood."""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from interaction.audio.vad import FRAME_BYTES, SpeechDetector
from interaction.core.types import FRAME_SAMPLES, INPUT_SAMPLE_RATE

FRAMES_PER_SECOND = INPUT_SAMPLE_RATE / FRAME_SAMPLES
SPEECH = 0.5
"""Probability from which a frame counts as speech."""
LEAST_SPEECH = 3
"""Frames of speech, a tenth of a second, before anything is looked at: the model takes silence,
noise and music for words ("You")."""
LEAD = 10
"""Frames before the first one of speech that are looked at too."""
SHORT = 16
"""Frames of speech, half a second, up to which an utterance is short: it may be a word over a
reply, and somebody waits to know which."""
SHORT_LEAD = 4
"""As ``LEAD``, of a short one: with much silence before it, the model goes round in circles."""
TAIL = 6
"""Frames after the last one of speech that are looked at too, 0.2 s. When they are there, the text
is final: a silence needs no further look, however long, and the end finds it ready."""
FIRST_LOOK = 8
"""Frames of speech, a quarter of a second, before the first look: while a reply plays, the first
word tells a listener's "mm-hmm" from an interruption."""
SHORT_EVERY = 4
"""Frames with new speech between two looks at a short utterance."""
PARTIAL_EVERY = 16
"""The same, half a second, at any other."""
SHARE = 0.15
"""The part of a core that looks while somebody speaks may take: after a dear one the next one is
further away. So the cost is bounded, however long the utterance, large the model or slow the
machine."""
PAUSE = 16
"""Frames without speech after which a long enough segment ends."""
LONG_PAUSE = round(2 * FRAMES_PER_SECOND)
"""Frames without speech after which any segment ends."""
SEGMENT = round(8 * FRAMES_PER_SECOND)
"""Frames from which on a pause ends a segment."""
LONGEST_SEGMENT = round(12 * FRAMES_PER_SECOND)
"""Frames after which a segment is cut where it is quietest: the model is made for no more."""
EARLIEST_CUT = round(5 * FRAMES_PER_SECOND)
LATEST_CUT = round(11 * FRAMES_PER_SECOND)
GAP = 3
"""Frames over which the quietest place is sought."""


class Recogniser(Protocol):
    """As ``Transcriber``."""

    def transcribe(self, samples: np.ndarray, draft: Sequence[int] = ()) -> list[int]: ...
    def text(self, tokens: Sequence[int]) -> str: ...


@dataclass
class Segment:
    """A part of the utterance that is looked at as a whole."""

    pcm: bytearray = field(default_factory=bytearray)
    speech: list[bool] = field(default_factory=list)
    """By frame."""
    first: int = -1
    last: int = -1
    """The first and the last frame of speech; -1 where there is none."""
    tokens: list[int] = field(default_factory=list)
    """What the last look found."""
    looked: int = 0
    """The frame up to which it looked."""
    spoken: int = 0
    """How many frames of speech it had before it."""

    def add(self, frame: bytes, is_speech: bool) -> None:
        self.pcm += frame
        self.speech.append(is_speech)
        if is_speech:
            self.last = len(self.speech) - 1
            self.first = self.first if self.first >= 0 else self.last

    @property
    def speech_frames(self) -> int:
        return sum(self.speech)

    @property
    def is_short(self) -> bool:
        return self.speech_frames <= SHORT

    @property
    def worth_a_look(self) -> bool:
        return self.speech_frames >= LEAST_SPEECH

    @property
    def end(self) -> int:
        """The frame up to which a look would look now."""
        return min(len(self.speech), self.last + 1 + TAIL)

    @property
    def quiet(self) -> int:
        """Frames since the last one of speech."""
        return len(self.speech) - 1 - self.last

    @property
    def length(self) -> int:
        """Frames that a look would look at."""
        return self.end - max(0, self.first - LEAD)

    def samples(self, end: int) -> np.ndarray:
        lead = SHORT_LEAD if self.is_short else LEAD
        start = max(0, self.first - lead)
        part = self.pcm[start * FRAME_BYTES : end * FRAME_BYTES]
        return np.frombuffer(part, dtype="<i2").astype(np.float32) / 32_768

    def forget_silence(self) -> None:
        """Without speech, only what would be the lead of the next one is kept."""
        surplus = len(self.speech) - 2 * LEAD
        if self.first < 0 and surplus > LEAD:
            del self.pcm[: surplus * FRAME_BYTES], self.speech[:surplus]

    def quietest(self) -> int:
        """The best frame for a cut."""
        levels = np.frombuffer(self.pcm, dtype="<i2").astype(np.float32)
        levels = np.square(levels.reshape(-1, FRAME_SAMPLES)).mean(axis=1)
        around = np.convolve(levels, np.ones(GAP), mode="same")
        start = max(0, self.first - LEAD)
        return (
            start + EARLIEST_CUT + int(around[start + EARLIEST_CUT : start + LATEST_CUT].argmin())
        )

    def split(self, at: int) -> tuple[Segment, Segment]:
        """What was before the frame, and what comes from there on."""
        before, after = Segment(tokens=self.tokens), Segment()
        for number, is_speech in enumerate(self.speech):
            frame = bytes(self.pcm[number * FRAME_BYTES : (number + 1) * FRAME_BYTES])
            (before if number < at else after).add(frame, is_speech)
        return before, after


@dataclass
class Utterance:
    number: int
    recogniser: Recogniser
    detector: Callable[[bytes], float] = field(default_factory=lambda: SpeechDetector().probability)
    """Probability of speech of the next frame."""
    clock: Callable[[], float] = time.process_time
    """What looks cost is measured by it."""
    work: deque[bytes | str] = field(default_factory=deque)
    """Pieces of audio and marks to answer, in order."""
    ended_text: str = ""
    """The text of the segments that have ended."""
    segment: Segment = field(default_factory=Segment)
    _rest: bytes = b""
    """Audio that does not fill a frame yet."""
    _next_partial: float = FIRST_LOOK
    """Frames of new speech until the next look while somebody speaks."""

    @property
    def has_mark(self) -> bool:
        return any(isinstance(work, str) for work in self.work)

    @property
    def due(self) -> bool:
        """Is there anything to do?"""
        return bool(self.work) or self._overlong

    def step(self) -> tuple[str, str, int]:
        """Take in the audio before the next mark, look at most once where that is worth it, and
        answer the mark: the word of the answer, the text so far and the number of bytes."""
        size = self._listen()
        word = ""
        if self._overlong:
            self._cut()
        elif self.work:
            word = str(self.work.popleft())
            # What no frame is full of is a thirtieth of a second; it waits for more.
            self._look()
        elif self._worth_a_look():
            self._look()
        self._end_at_pause()
        return word or "partial", self.text, size

    @property
    def text(self) -> str:
        return _joined(self.ended_text, self.recogniser.text(self.segment.tokens))

    @property
    def _overlong(self) -> bool:
        return self.segment.first >= 0 and self.segment.length > LONGEST_SEGMENT

    def _listen(self) -> int:
        size = 0
        while self.work and isinstance(piece := self.work[0], bytes) and not self._overlong:
            self.work.popleft()
            size += len(piece)
            pcm = self._rest + piece
            whole = len(pcm) - len(pcm) % FRAME_BYTES
            for start in range(0, whole, FRAME_BYTES):
                frame = pcm[start : start + FRAME_BYTES]
                self.segment.add(frame, self.detector(frame) >= SPEECH)
            self._rest = pcm[whole:]
            self.segment.forget_silence()
        return size

    def _worth_a_look(self) -> bool:
        segment = self.segment
        if segment.quiet >= TAIL:
            return True
        return segment.speech_frames - segment.spoken >= self._next_partial

    def _look(self) -> None:
        """Understand the segment anew, if anything was said since the last time."""
        segment, end = self.segment, self.segment.end
        if segment.worth_a_look and end > segment.looked:
            began = self.clock()
            segment.tokens = self.recogniser.transcribe(segment.samples(end), segment.tokens)
            segment.looked, segment.spoken = end, segment.speech_frames
            dear = (self.clock() - began) * FRAMES_PER_SECOND / SHARE
            soonest = SHORT_EVERY if segment.speech_frames < SHORT else PARTIAL_EVERY
            self._next_partial = max(soonest, dear)

    def _end_at_pause(self) -> None:
        segment = self.segment
        if segment.first < 0 or segment.quiet < PAUSE:
            return
        long = segment.last - segment.first >= SEGMENT or segment.quiet >= LONG_PAUSE
        if long and (segment.looked == segment.end or not segment.worth_a_look):
            self.ended_text, self.segment = self.text, Segment()

    def _cut(self) -> None:
        """End the segment where it is quietest."""
        at = self.segment.quietest()
        within_speech = any(self.segment.speech[at - 1 : at + GAP - 1])
        segment, after = self.segment.split(at)
        self.segment = segment
        if segment.worth_a_look:
            segment.tokens = self.recogniser.transcribe(
                segment.samples(len(segment.speech)), segment.tokens
            )
        self.ended_text = self.text.rstrip(".,;… ") if within_speech else self.text
        self.segment = after


def _joined(before: str, after: str) -> str:
    """Two parts of what was said: where the sentence goes on, as if it had never been cut."""
    after = after.lstrip(".,;… ") if before else after
    if not before or not after:
        return before or after
    if after[0].islower():
        before = before.removesuffix(".")
    elif before[-1] not in ".!?…" and not re.match(r"I\b|[A-Z]{2}", after):
        after = after[0].lower() + after[1:]
    return f"{before} {after}"

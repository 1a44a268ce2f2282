"""Speech over a reply, considered: first it contends for the floor, then it takes it or is passed
over.

While it contends the reply goes on, softer. Words decide before anything else: a listener's are
passed over once they are said, any others take the floor. Where there are none, duration does; and
at any time, level: what is softer than the person, or does not stand out from the room, is no turn
of theirs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from interaction.core.turn_taking.detection import TurnDetectionBase
from interaction.core.turn_taking.listening_words import Heard, heard
from interaction.core.turn_taking.speech_activity import SpeechActivity
from interaction.core.turn_taking.strategy import Overlap, OverlapStrategy, ReplyProgress, Verdict
from interaction.core.types import FRAME_MS, Frame

PASSED_MS = 300
"""Silence after which a listener's words were all that was to come."""
UNHEARD_PASSED_MS = 500
"""The same where no words are known: a recogniser elsewhere may still be at it."""
ANSWERED_MS = 2_000
"""The same while the reply's last words play: a "yes" to them is a turn, once they are over."""
TAKEN_MS = 1_000
"""Speech that takes the floor whatever its words, where none are known."""
UNHEARD_TAKEN_MS = 600
"""The same with a recogniser that says nothing before a turn's end: no words will come."""
LISTENING_MS = 2_500
"""Speech that takes it though a listener's words are all that is known."""
BELIEVED_MS = 160
"""Speech without which no words are believed: a grunt has some, too."""
DOUBTED_MS = 480
"""Speech up to which one odd word is not believed before it is over."""
CHANGED_MS = 800
"""Speech up to which other words are not believed where a look before has heard a listener's: of
half a word, recognisers make another."""
STALLED_S = 1.0
"""A microphone that sends nothing for so long has been muted: what it sent is passed over."""


@dataclass(slots=True)
class Contest:
    """What contends, so far."""

    speech_ms: int
    """Speech in it that stands out."""
    quiet_ms: int = 0
    """Time since the latest of that."""
    heard: Heard = Heard.NOTHING
    """What the latest look at it has heard."""
    was_listening: bool = False
    """A look has heard a listener's words, and nothing else."""
    _energy: float = 0.0
    _frames: int = 0

    @property
    def level_dbfs(self) -> float | None:
        """Level of the speech in it; None: not known."""
        return 10 * math.log10(self._energy / self._frames) if self._frames else None

    def add_level(self, level_dbfs: float | None) -> None:
        if level_dbfs is not None:
            self._energy += 10 ** (level_dbfs / 10)
            self._frames += 1


class ConsideredOverlap(OverlapStrategy):
    def __init__(self, speech: SpeechActivity, detection: TurnDetectionBase, language: str) -> None:
        """``language``: BCP 47, of what is said; empty: not known."""
        self._speech = speech
        self._detection = detection
        self._language = language
        self._contest: Contest | None = None
        self._words_came = False
        """The recogniser has said something of the latest turn while it was open."""
        self._is_silent = False
        """It has not, of the one before: nor will it."""

    def on_frame(self, frame: Frame, now: float) -> None:
        if contest := self._contest:
            self._follow(contest, frame)

    def on_transcript(self, text: str, now: float, *, final: bool) -> None:
        self._words_came |= not final
        if contest := self._contest:
            contest.heard = heard(text, self._language, contest.speech_ms)
            contest.was_listening |= contest.heard is Heard.LISTENING

    def on_contested(self, now: float) -> None:
        self._contest = Contest(self._speech.run_ms)

    def on_settled(self) -> None:
        self._contest = None

    def on_turn_closed(self, *, kept: bool) -> None:
        if kept:
            self._is_silent = not self._words_came
        self._words_came = False

    def outlives_reply(self) -> bool:
        contest = self._contest
        if contest is None:
            return False
        return contest.heard is not Heard.NOTHING or contest.quiet_ms < PASSED_MS // 2

    def decide(self, reply: ReplyProgress, now: float) -> Verdict[Overlap]:
        contest = self._contest
        if contest is None:
            return Verdict(self._begin(reply))
        stalled_at = (self._speech.last_frame_at or now) + STALLED_S
        if reply is ReplyProgress.NONE or self._is_taken(contest, reply):
            return Verdict(Overlap.INTERRUPT)
        if now >= stalled_at or self._is_over(contest, reply):
            return Verdict(Overlap.IGNORE)
        return Verdict(Overlap.HOLD, stalled_at)

    def _begin(self, reply: ReplyProgress) -> Overlap:
        speech = self._speech
        nothing_to_contend_for = reply is ReplyProgress.NONE
        if speech.speaking and not nothing_to_contend_for and not speech.loudness.stands_out:
            speech.discard_run(rest=False)
        if speech.run_ms < self._detection.min_speech_ms:
            return Overlap.HOLD
        return Overlap.INTERRUPT if nothing_to_contend_for else Overlap.CONTEST

    def _follow(self, contest: Contest, frame: Frame) -> None:
        speech = self._speech
        if speech.speaking:
            contest.add_level(frame.level_dbfs)
        if speech.speaking and speech.loudness.stands_out:
            contest.speech_ms += FRAME_MS
            contest.quiet_ms = 0
        else:
            contest.quiet_ms += FRAME_MS

    def _is_over(self, contest: Contest, reply: ReplyProgress) -> bool:
        """Nothing more is to be waited for."""
        if contest.heard is Heard.NOTHING:
            needed = UNHEARD_PASSED_MS
        else:
            needed = ANSWERED_MS if reply is ReplyProgress.ENDING else PASSED_MS
        return contest.quiet_ms + FRAME_MS // 2 >= needed

    def _is_taken(self, contest: Contest, reply: ReplyProgress) -> bool:
        spoken_ms, is_over = contest.speech_ms, self._is_over(contest, reply)
        if not self._speech.loudness.is_near(contest.level_dbfs):
            return False
        if contest.heard is Heard.NOTHING:
            return spoken_ms >= (UNHEARD_TAKEN_MS if self._is_silent else TAKEN_MS)
        if contest.heard is Heard.LISTENING:
            return spoken_ms >= LISTENING_MS
        if contest.heard is Heard.CALLING:
            return True
        if contest.was_listening and contest.heard is not Heard.ADDING:
            needed = CHANGED_MS
        elif is_over:
            needed = BELIEVED_MS
        elif reply is ReplyProgress.PENDING:
            needed = TAKEN_MS  # it cannot be heard yet: it waits at no cost
        else:
            needed = DOUBTED_MS if contest.heard is Heard.DOUBTFUL else BELIEVED_MS
        return spoken_ms >= needed

"""Speech over a reply, considered: first it contends for the floor, then it takes it or is passed
over.

While it contends the reply goes on, softer. Words decide before anything else: a listener's are
passed over once they are said, any others take the floor. Where there are none, duration does; and
at any time, level: what is softer than the person, or does not stand out from the room, is no turn
of theirs.
"""

from __future__ import annotations

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
TAKEN_MS = 1_000
"""Speech that takes the floor whatever its words, where none are known."""
LISTENING_MS = 2_500
"""Speech that takes it though a listener's words are all that is known."""
DOUBTED_MS = 400
"""Speech up to which one odd word is not believed before it is over."""
STALLED_S = 1.0
"""A microphone that sends nothing for so long has been muted: what it sent is passed over."""


@dataclass(slots=True)
class Contest:
    """What contends, so far."""

    speech_ms: int
    """Speech in it that stands out."""
    quiet_ms: int = 0
    """Time since the latest of that."""
    peak_dbfs: float | None = None
    """Its loudest; None: not known."""
    heard: Heard = Heard.NOTHING


class ConsideredOverlap(OverlapStrategy):
    def __init__(self, speech: SpeechActivity, detection: TurnDetectionBase, language: str) -> None:
        """``language``: BCP 47, of what is said; empty: not known."""
        self._speech = speech
        self._detection = detection
        self._language = language
        self._contest: Contest | None = None

    def on_frame(self, frame: Frame, now: float) -> None:
        if contest := self._contest:
            self._follow(contest)

    def on_transcript(self, text: str, now: float, *, final: bool) -> None:
        if contest := self._contest:
            contest.heard = heard(text, self._language)

    def on_contested(self, now: float) -> None:
        self._contest = Contest(self._speech.run_ms, peak_dbfs=self._speech.loudness.level_dbfs)

    def on_settled(self) -> None:
        self._contest = None

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
        if reply is ReplyProgress.NONE or self._is_taken(contest):
            return Verdict(Overlap.INTERRUPT)
        if now >= stalled_at or self._is_over(contest):
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

    def _follow(self, contest: Contest) -> None:
        speech = self._speech
        if not (speech.speaking and speech.loudness.stands_out):
            contest.quiet_ms += FRAME_MS
            return
        contest.speech_ms += FRAME_MS
        contest.quiet_ms = 0
        level = speech.loudness.level_dbfs
        if level is not None:
            contest.peak_dbfs = max(level, contest.peak_dbfs or level)

    def _is_over(self, contest: Contest) -> bool:
        needed = UNHEARD_PASSED_MS if contest.heard is Heard.NOTHING else PASSED_MS
        return contest.quiet_ms + FRAME_MS // 2 >= needed

    def _is_taken(self, contest: Contest) -> bool:
        if not self._speech.loudness.is_near(contest.peak_dbfs):
            return False
        match contest.heard:
            case Heard.SPEAKING:
                return True
            case Heard.DOUBTFUL:
                return contest.speech_ms >= DOUBTED_MS or self._is_over(contest)
            case Heard.LISTENING:
                return contest.speech_ms >= LISTENING_MS
            case Heard.NOTHING:
                return contest.speech_ms >= TAKEN_MS

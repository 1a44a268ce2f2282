"""What a strategy of turn-taking is. Sans-IO, like all of the core.

Three strategies lead a conversation: one says when a turn starts, one when it has ended (or may
have, so that a reply is worth preparing), one what speech over a reply is. Each is fed everything
that is known of the person's speech: frames, transcripts, verdicts of analysers, what the engine
finds; it keeps what it needs. It is asked after each of these, and answers with a ``Verdict``: a
decision, and the time at which it wants to be asked again though nothing came.

Of the three, the one that fits the phase is asked: ``start`` while no turn is alive, ``end`` while
one is open, ``overlap`` while a committed one is transcribed, replied to or played.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Generic, Protocol, TypeVar

from interaction.core.events import AnalyserVerdict, EngineSpeechStarted, EngineSpeechStopped
from interaction.core.types import Frame

EngineSpeechEvent = EngineSpeechStarted | EngineSpeechStopped


class Start(Enum):
    WAIT = auto()
    START = auto()
    """A turn begins."""


class End(Enum):
    GO_ON = auto()
    """The person has not finished; a reply that was prepared is discarded."""
    PREPARE = auto()
    """They may have finished: the reply may be prepared, but nothing of it may leave."""
    END = auto()
    """They have finished: the turn is committed."""


class Overlap(Enum):
    IGNORE = auto()
    """This speech is no turn: it neither interrupts nor opens one later; what contends is passed
    over."""
    WAIT = auto()
    """It interrupts nothing; what of it goes on past the reply opens a turn, from its beginning
    on."""
    HOLD = auto()
    """Undecided: the reply goes on, and this speech may still open a turn."""
    CONTEST = auto()
    """It may be an interruption: the reply goes on, softer, and what is said is transcribed."""
    INTERRUPT = auto()
    """The person takes the turn: the one that is alive ends, another one is opened."""


class ReplyProgress(Enum):
    """How far the reply is that somebody speaks over."""

    NONE = auto()
    """No reply comes unless somebody asks for one."""
    PENDING = auto()
    """It has been asked for; nothing of it can be heard yet."""
    AUDIBLE = auto()
    """Its first audio has been sent to the client."""
    SENT = auto()
    """All of its audio has been sent; it may still be playing."""
    ENDING = auto()
    """The same, and its last words are being played: what is said now may answer them."""


Decision = TypeVar("Decision", Start, End, Overlap)


@dataclass(frozen=True, slots=True)
class Verdict(Generic[Decision]):
    decision: Decision
    next_check: float | None = None
    """Monotonic seconds at which the strategy wants to be asked again even if nothing comes; None:
    not before something does."""


@dataclass(frozen=True, slots=True)
class TurnOpening:
    """Where a turn that opens now begins."""

    audio_ms: int
    """How much of the latest input audio belongs to it (where there is less: all of it)."""
    speech_started_at: float | None
    """Monotonic seconds at which the speech in it began; None: nobody spoke in it so far."""


class Strategy(Protocol):
    """What every strategy is fed. The methods here ignore it."""

    def on_frame(self, frame: Frame, now: float) -> None:
        """The next frame from the microphone; the shared ``SpeechActivity`` has had it before."""
        return

    def on_transcript(self, text: str, now: float, *, final: bool) -> None:
        """What the open turn is understood to say so far."""
        return

    def on_engine_event(self, event: EngineSpeechEvent, now: float) -> None:
        """An engine that finds turns itself has found the start or the end of speech."""
        return

    def on_analysis(self, verdict: AnalyserVerdict, now: float) -> None:
        """An analyser that runs beside the event loop has come to a verdict."""
        return


class StartStrategy(Strategy, Protocol):
    """When a turn starts."""

    @property
    def keep_ms(self) -> int:
        """How much of the latest input audio a turn could still want, while none is open."""
        ...

    def decide(self, now: float) -> Verdict[Start]: ...

    def opening(self, now: float) -> TurnOpening:
        """Where a turn begins that opens now: on ``START``, on an interruption or by a commit."""
        ...

    def discard(self) -> None:
        """The speech so far belongs to a turn that is over, or to none: it opens no other."""
        ...


class EndStrategy(Strategy, Protocol):
    """When the open turn has ended."""

    def on_turn_opened(self, now: float) -> None:
        """Another turn is open; what was noted of the one before no longer counts."""
        ...

    def decide(self, now: float) -> Verdict[End]: ...


class OverlapStrategy(Strategy, Protocol):
    """What it is when somebody speaks while a committed turn is alive."""

    def on_contested(self, now: float) -> None:
        """The speech so far contends for the floor: transcripts are of it from now on."""
        return

    def on_settled(self) -> None:
        """Nothing contends any more: it took the floor, or was passed over."""
        return

    def on_turn_closed(self, *, kept: bool) -> None:
        """The open turn is committed, or dropped."""
        return

    def outlives_reply(self) -> bool:
        """Whether what contends becomes a turn, as the reply ends meanwhile."""
        return False

    def decide(self, reply: ReplyProgress, now: float) -> Verdict[Overlap]: ...


@dataclass(frozen=True, slots=True)
class Strategies:
    """The three that lead one conversation."""

    start: StartStrategy
    end: EndStrategy
    overlap: OverlapStrategy

    def __iter__(self) -> Iterator[Strategy]:
        yield from (self.start, self.end, self.overlap)

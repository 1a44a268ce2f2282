"""Where on one time axis everything of a conversation lies, so that it can be drawn and heard.

The axis is the session's clock. A turn whose place on it is not known (rows from before it was
kept, turns that a lost server left behind), or whose audio came as a file, faster than it was
spoken, is laid out behind what came before it, and the turns after it move on as far as they must:
such a turn is *guessed*. What is unknown of a turn that has a place is worked out from its other
figures.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from history.waterfall import extent, lay_out
from interaction.core.turn_endings import KEPT_WHOLE
from interaction.models import Turn

PRE_ROLL_MS = 300
"""Of a recording whose begin was not kept: so long before the onset, as by default."""
FILE_SLACK_MS = 1_000
"""Audio that a slow line held back may end so much after its turn; beyond, it ended with it."""
GUESSED_GAP_MS = 400
"""Between a guessed turn and what came before it."""


@dataclass(frozen=True, slots=True)
class Span:
    """In ms on the axis."""

    start: int
    ms: int

    @property
    def end(self) -> int:
        return self.start + self.ms


@dataclass(frozen=True)
class PlacedTurn:
    turn: Turn
    user: Span | None
    """The person's recording; without one, their speech. None of typed turns."""
    speech: Span | None
    """Where in it they spoke; None where that is not known."""
    agent: Span | None
    """The part of the reply that was heard; None where nothing of it was, or there was none."""
    asked_at: int
    """Where the turn's bar begins: the end of speech, or the typed line's coming."""
    guessed: bool = False

    @cached_property
    def start(self) -> int:
        starts = [span.start for span in (self.user, self.agent) if span]
        return min([self.asked_at, *starts])

    @cached_property
    def end(self) -> int:
        ends = [span.end for span in (self.user, self.agent) if span]
        return max([self.asked_at + round(_extent(self.turn)), *ends])


@dataclass(frozen=True, slots=True)
class Axis:
    turns: list[PlacedTurn]

    @property
    def ms(self) -> int:
        """Its length."""
        return max((placed.end for placed in self.turns), default=0)

    @property
    def guessed(self) -> list[int]:
        """Numbers of the turns that are guessed."""
        return [placed.turn.sequence for placed in self.turns if placed.guessed]

    @property
    def all_guessed(self) -> bool:
        return len(self.guessed) == len(self.turns)


def lay_out_turns(turns: Iterable[Turn]) -> Axis:
    """``turns``: of one session, in their order, with their latencies."""
    layout = _Layout()
    for turn in turns:
        layout.place(turn)
    return Axis(layout.placed)


def heard_audio_ms(turn: Turn) -> int:
    """How much of the agent's recording, or of its unrecorded reply, sounded: all of it where it
    was kept whole, or nobody knows."""
    recorded = turn.agent_audio_ms if turn.agent_audio else None
    if turn.heard_ms is None or (turn.end_reason in KEPT_WHOLE and recorded is not None):
        return recorded or 0
    return turn.heard_ms if recorded is None else min(turn.heard_ms, recorded)


@dataclass
class _Layout:
    placed: list[PlacedTurn] = field(default_factory=list)
    moved: int = 0
    """By how much turns have been moved on, ms."""
    free_from: int = 0
    """End of the latest guessed turn: what follows may not begin before."""
    user_end: int = 0
    agent_end: int = 0
    end: int = 0
    """Of everything so far."""

    def place(self, turn: Turn) -> None:
        begins = _first_time(turn)
        if begins is None or (_recorded_ms(turn) and _came_as_file(turn)):
            placed = self._guess(turn)
            self.free_from = placed.end
        else:
            self.moved = max(self.moved, self.free_from - begins)
            placed = self._by_clock(turn)
        self.placed.append(placed)
        self.end = max(self.end, placed.end)
        if placed.user:
            self.user_end = max(self.user_end, placed.user.end)
        if placed.agent:
            self.agent_end = max(self.agent_end, placed.agent.end)

    def _by_clock(self, turn: Turn) -> PlacedTurn:
        user, speech = self._user(turn)
        total = _total(turn)
        if speech:
            asked_at = speech.end
        elif turn.opened_ms is not None and turn.kind == Turn.Kind.TEXT:
            asked_at = turn.opened_ms + self.moved
        elif turn.reply_started_ms is not None and total is not None:
            asked_at = max(round(turn.reply_started_ms - total), 0) + self.moved
        elif user:
            asked_at = max(user.end - (_latency(turn, "end_of_turn_delay") or 0), user.start)
        else:
            asked_at = (_first_time(turn) or 0) + self.moved
        agent = None
        if ms := heard_audio_ms(turn):
            start = turn.reply_started_ms
            at = asked_at + _wait(turn) if start is None else start + self.moved
            agent = Span(max(at, self.agent_end), ms)
        return PlacedTurn(turn, user, speech, agent, asked_at)

    def _user(self, turn: Turn) -> tuple[Span | None, Span | None]:
        """The person's recording, or their speech, and their speech."""
        speech = None
        if turn.speech_started_ms is not None and turn.speech_ended_ms is not None:
            ms = max(turn.speech_ended_ms - turn.speech_started_ms, 0)
            speech = Span(turn.speech_started_ms + self.moved, ms)
        # Two recordings of one side never sound at once: the later one waits.
        recorded, start = _recorded_ms(turn), _recording_start(turn)
        if not recorded or start is None:
            speech = speech and Span(max(speech.start, self.user_end), speech.ms)
            return speech, speech
        user = Span(max(start + self.moved, self.user_end), recorded)
        if speech:
            speech = Span(speech.start + user.start - (start + self.moved), speech.ms)
        return user, speech

    def _guess(self, turn: Turn) -> PlacedTurn:
        """Behind everything so far: what was said, the wait, the reply."""
        at = self.end + GUESSED_GAP_MS if self.placed else 0
        ms = _recorded_ms(turn)
        user = Span(at, ms) if ms else None
        delay = min(_latency(turn, "end_of_turn_delay") or 0, ms)
        if _came_as_file(turn):  # its delays say when it was sent, not when it was said
            delay = 0
        asked_at = at + ms - delay
        heard = heard_audio_ms(turn)
        agent = Span(max(asked_at + _wait(turn), at + ms), heard) if heard else None
        speech = Span(at, ms - delay) if ms else None
        return PlacedTurn(turn, user, speech, agent, asked_at, guessed=True)


def _first_time(turn: Turn) -> int | None:
    """The earliest of what the session's clock says of a turn; None: nothing."""
    times = (
        _recording_start(turn) if _recorded_ms(turn) else None,
        turn.speech_started_ms,
        turn.opened_ms,
        turn.reply_started_ms,
    )
    return min((time for time in times if time is not None), default=None)


def _recorded_ms(turn: Turn) -> int:
    return (turn.user_audio_ms or 0) if turn.user_audio else 0


def _recording_start(turn: Turn) -> int | None:
    """Where the person's recording begins, by the session's clock."""
    recorded, committed = _recorded_ms(turn), _committed_ms(turn)
    start = turn.user_audio_started_ms
    if start is None:
        if committed is not None:
            return max(committed - recorded, 0)
        started = turn.speech_started_ms
        return None if started is None else max(started - PRE_ROLL_MS, 0)
    if committed is not None and start + recorded > committed + FILE_SLACK_MS:
        return max(committed - recorded, 0)
    return start


def _committed_ms(turn: Turn) -> int | None:
    """When the turn was committed, and its recording ended."""
    delay = _latency(turn, "end_of_turn_delay")
    if turn.speech_ended_ms is None or delay is None:
        return None
    return turn.speech_ended_ms + delay


def _came_as_file(turn: Turn) -> bool:
    """Whether more was recorded than there was time for."""
    committed = _committed_ms(turn)
    return committed is not None and _recorded_ms(turn) > committed + FILE_SLACK_MS


def _wait(turn: Turn) -> int:
    """How long after the question the reply began: the turn's total, else as long as is known."""
    total = _total(turn)
    return round(_extent(turn) if total is None else total)


def _total(turn: Turn) -> float | None:
    return lay_out(_by_metric(turn))[0]


def _extent(turn: Turn) -> float:
    return extent(_by_metric(turn))


def _latency(turn: Turn, metric: str) -> int | None:
    ms = _by_metric(turn).get(metric)
    return None if ms is None else round(ms)


def _by_metric(turn: Turn) -> dict[str, float | None]:
    return turn.latency.by_metric() if hasattr(turn, "latency") else {}

"""Where the turns of a conversation lie on its axis, by exact numbers."""

from __future__ import annotations

import itertools
from typing import Any
from uuid import UUID

import pytest

from history.hearing.axis import Axis, PlacedTurn, Span, heard_audio_ms, lay_out_turns
from interaction.models import Turn, TurnLatency

SPOKEN: dict[str, Any] = {
    "opened_ms": 576,
    "user_audio_started_ms": 160,
    "speech_started_ms": 480,
    "speech_ended_ms": 1_472,
    "user_audio_ms": 1_912,
    "user_audio": "u.wav",
    "reply_started_ms": 2_530,
    "reply_ended_ms": 4_530,
    "agent_audio_ms": 2_000,
    "agent_audio": "a.wav",
    "heard_ms": 2_000,
    "end_of_turn_delay": 600.0,
    "e2e": 1_050.0,
    "ear": 1_058.0,
}
"""A spoken turn, played to its end, all of it known."""
CLOCK = (
    "opened_ms",
    "user_audio_started_ms",
    "speech_started_ms",
    "speech_ended_ms",
    "reply_started_ms",
    "reply_ended_ms",
)
NO_CLOCK: dict[str, Any] = dict.fromkeys(CLOCK)
TYPED: dict[str, Any] = {
    "kind": Turn.Kind.TEXT,
    "opened_ms": 1_000,
    "reply_started_ms": 1_300,
    "agent_audio": "a.wav",
    "agent_audio_ms": 4_000,
    "heard_ms": 4_000,
    "e2e": 280.0,
    "ear": 300.0,
}


def turn(number: int = 1, later: int = 0, **fields: Any) -> Turn:
    """``later``: by so many ms on the session's clock."""
    columns = {field.attname for field in TurnLatency._meta.get_fields() if field.concrete}
    latency = {name: fields.pop(name) for name in set(fields) & columns}
    clock = {
        name: fields[name] + later for name in CLOCK if name in fields and fields[name] is not None
    }
    made = Turn(pk=UUID(int=number), sequence=number, **{"end_reason": "played"} | fields | clock)
    made.latency = TurnLatency(**latency)
    return made


def place(*turns: Turn) -> list[PlacedTurn]:
    return lay_out_turns(turns).turns


def test_a_spoken_turn_lies_where_the_clock_says() -> None:
    (placed,) = place(turn(**SPOKEN))
    assert placed.user == Span(160, 1_912)
    assert placed.speech == Span(480, 992)
    assert placed.agent == Span(2_530, 2_000)
    assert placed.asked_at == 1_472
    assert (placed.start, placed.end, placed.guessed) == (160, 4_530, False)


def test_a_typed_turn_begins_where_its_line_came() -> None:
    (placed,) = place(turn(**TYPED))
    assert (placed.user, placed.speech) == (None, None)
    assert placed.agent == Span(1_300, 4_000)
    assert (placed.start, placed.asked_at, placed.guessed) == (1_000, 1_000, False)


def test_a_typed_turn_of_before_begins_its_total_before_its_reply() -> None:
    (placed,) = place(turn(**TYPED | {"opened_ms": None}))
    assert placed.asked_at == 1_000


@pytest.mark.parametrize(
    ("known", "start"),
    [
        ({}, 160),
        ({"user_audio_started_ms": None}, 160),  # it ended where the turn was committed
        ({"user_audio_started_ms": None, "end_of_turn_delay": None}, 180),  # by the usual pre-roll
        ({"user_audio_started_ms": None, "speech_started_ms": None}, 160),
        ({"user_audio_started_ms": 1_900}, 160),  # a slow line held it back
        ({"user_audio_started_ms": 1_000}, 1_000),  # by less than can be told
    ],
)
def test_the_persons_recording_begins_where_it_was_kept_or_can_be_worked_out(
    known: dict[str, Any], start: int
) -> None:
    (placed,) = place(turn(**SPOKEN | known))
    assert placed.user is not None
    assert placed.user == Span(start, 1_912)
    assert not placed.guessed


@pytest.mark.parametrize(
    ("fields", "heard"),
    [
        ({}, 2_000),
        ({"heard_ms": 1_960}, 2_000),  # played to its end, by a report that is a little short
        ({"end_reason": "interrupted", "heard_ms": 700}, 700),
        ({"end_reason": "stopped", "heard_ms": 0}, 0),
        ({"end_reason": "abandoned", "heard_ms": None}, 2_000),
        ({"end_reason": "abandoned", "heard_ms": 300}, 300),
        ({"end_reason": "client_left", "heard_ms": 9_000}, 2_000),
        ({"agent_audio": ""}, 2_000),  # recording was off
        ({"agent_audio": "", "heard_ms": None}, 0),
        ({"end_reason": "failed", "agent_audio_ms": None, "agent_audio": "", "heard_ms": 0}, 0),
    ],
)
def test_of_a_reply_only_what_was_heard_sounds(fields: dict[str, Any], heard: int) -> None:
    row = turn(**SPOKEN | fields)
    assert heard_audio_ms(row) == heard
    (placed,) = place(row)
    assert placed.agent == (Span(2_530, heard) if heard else None)


def test_who_cuts_in_is_heard_over_the_reply() -> None:
    first = turn(1, **SPOKEN | {"end_reason": "interrupted", "heard_ms": 1_500})
    second = turn(2, later=3_400, **SPOKEN)
    one, other = place(first, second)
    assert one.agent is not None
    assert other.user is not None
    assert other.user.start == 3_560 < one.agent.end == 4_030


def test_two_recordings_of_one_side_never_sound_at_once() -> None:
    first = turn(1, **SPOKEN)
    second = turn(2, later=1_800, **SPOKEN | {"reply_started_ms": 2_500})
    one, other = place(first, second)
    assert one.user
    assert one.agent
    assert other.user
    assert other.agent
    assert other.user.start == one.user.end == 2_072, "112 ms later than by the clock"
    assert other.speech == Span(2_280 + 112, 992), "its words with it"
    assert other.agent.start == one.agent.end


@pytest.mark.parametrize("kind", ["speech", "text"])
def test_turns_without_a_clock_follow_one_another(kind: str) -> None:
    fields = (SPOKEN if kind == "speech" else TYPED) | NO_CLOCK
    axis = lay_out_turns([turn(1, **fields), turn(2, **fields), turn(3, **fields)])
    assert axis.guessed == [1, 2, 3]
    one, two, three = axis.turns
    assert one.start == 0
    assert two.start == one.end + 400
    assert three.start == two.end + 400
    if kind == "speech":
        assert one.user == Span(0, 1_912)
        assert one.asked_at == 1_312, "its end of speech: the delay before the recording's end"
        assert one.agent == Span(1_312 + 1_058, 2_000)
    else:
        assert one.agent == Span(300, 4_000)


def test_a_turn_of_a_lost_server_moves_the_later_ones_only_as_far_as_it_must() -> None:
    lost = SPOKEN | NO_CLOCK | {"end_reason": "abandoned", "heard_ms": 900}
    axis = lay_out_turns(
        [turn(1, **SPOKEN), turn(2, **lost), turn(3, later=20_000, **SPOKEN), turn(4, **TYPED)]
    )
    assert axis.guessed == [2]
    assert axis.turns[1].start == 4_530 + 400
    assert axis.turns[2].start == 20_160, "where it was: there is room before it"
    moved = lay_out_turns([turn(1, **lost), turn(2, **SPOKEN), turn(3, later=9_000, **SPOKEN)])
    assert moved.turns[1].start == moved.turns[0].end
    by = moved.turns[0].end - 160
    assert moved.turns[2].start == 9_160 + by, "time between the two stays what it was"


def test_a_recording_that_came_as_a_file_lies_before_its_answer() -> None:
    upload = SPOKEN | {
        "opened_ms": 20,
        "user_audio_started_ms": 0,
        "speech_started_ms": 10,
        "speech_ended_ms": 40,
        "user_audio_ms": 9_000,
        "reply_started_ms": None,
        "reply_ended_ms": None,
        "end_of_turn_delay": 9.6,
        "ear": None,
        "e2e": 450.0,
    }
    axis = lay_out_turns([turn(**upload)])
    (placed,) = axis.turns
    assert axis.guessed == [1]
    assert placed.user == Span(0, 9_000)
    assert placed.agent == Span(9_450, 2_000)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"kind": "text"},
        {"end_reason": "failed", "speech_started_ms": 500},
        {"speech_ended_ms": 500},
        {"speech_started_ms": 900, "speech_ended_ms": 500},
        {"opened_ms": 0},
        {"user_audio": "u.wav"},
        {"user_audio": "u.wav", "user_audio_ms": 0},
        {"agent_audio": "a.wav"},
        {"user_audio_ms": 700},
        {"reply_started_ms": 10},
        {"reply_started_ms": 10, "ear": 900.0},
        {"heard_ms": 700},
        {"user_audio": "u.wav", "user_audio_ms": 700, "user_audio_started_ms": 0},
        {"user_audio": "u.wav", "user_audio_ms": 700, "speech_ended_ms": 10},
        {"agent_audio": "a.wav", "agent_audio_ms": 7, "heard_ms": 90, "reply_started_ms": 4},
    ],
)
def test_whatever_is_unknown_nothing_lies_before_the_start_or_runs_backwards(
    fields: dict[str, Any],
) -> None:
    axis = lay_out_turns([turn(1, **SPOKEN), turn(2, **fields), turn(3, later=9_000, **SPOKEN)])
    for placed in axis.turns:
        spans = [span for span in (placed.user, placed.speech, placed.agent) if span]
        assert all(span.start >= 0 and span.ms >= 0 for span in spans)
        assert 0 <= placed.start <= placed.end <= axis.ms
    for side in ("user", "agent"):
        ends = [span for placed in axis.turns if (span := getattr(placed, side))]
        assert all(one.end <= other.start for one, other in itertools.pairwise(ends))


def test_nothing_is_an_axis_of_no_length() -> None:
    assert (lay_out_turns([]).ms, Axis([]).guessed) == (0, [])

"""Turns that nobody finds: a commit makes one of whatever was heard since the last one."""

from __future__ import annotations

from interaction.core.commands import ClearAudio, CommitTurn
from interaction.core.config import ConversationConfig
from interaction.core.news import Failure, ReplyInterrupted
from interaction.core.orders import DropTurn, EndTurn, OpenTurn, SendAudio
from interaction.core.turn_taking.buffered import BufferedTurnDetection
from interaction.core.types import FRAME_MS
from interaction.tests.core.screenplay import SILENT, Engine, Screenplay


def by_hand(engine: Engine | None = None) -> Screenplay:
    detection = BufferedTurnDetection()
    config = ConversationConfig(barge_in="off", turn_detection=detection)
    return Screenplay(engine or Engine(), config)


def heard_s(play: Screenplay, turn: int) -> float:
    """Seconds of audio that went into the turn of this number, from 0."""
    opened = [e for e in play.effects_of(OpenTurn) if isinstance(e, OpenTurn)]
    sent = [e for e in play.effects_of(SendAudio) if isinstance(e, SendAudio)]
    pcm = sum(len(e.pcm) for e in sent if e.turn_id == opened[turn].turn_id)
    return pcm / len(SILENT) * FRAME_MS / 1000


def test_what_is_committed_is_a_turn_though_nobody_was_heard() -> None:
    play = by_hand()
    play.client_sends(2, CommitTurn())
    play.run(until=9)
    assert 1.9 < heard_s(play, 0) < 2.1
    (record,) = play.records()
    assert (record.transcript, record.end_reason) == ("hello there", "played")
    assert record.latency["end_of_turn_delay"] == 0
    assert not play.effects_of(Failure)


def test_nothing_is_committed_before_the_client_says_so() -> None:
    play = by_hand()
    play.microphone_until = 3
    play.user_speaks(0.5, 2.5)
    play.run(until=60)
    assert not play.effects_of(EndTurn)
    play.client_sends(60, CommitTurn())
    play.run(until=61)
    assert play.effects_of(EndTurn)


def test_speech_is_heard_as_it_comes_but_not_the_silence_long_before_it() -> None:
    play = by_hand()
    play.user_speaks(10, 12)
    play.run(until=11)
    assert play.when(OpenTurn) < 10.2
    play.client_sends(12, CommitTurn())
    play.run(until=12.1)
    assert 2.2 < heard_s(play, 0) < 2.6


def test_speech_into_a_reply_stops_nothing_and_is_part_of_the_next_commit() -> None:
    play = by_hand(Engine(tts_ms=2_000))
    play.user_speaks(0.5, 1.5)
    play.client_sends(1.5, CommitTurn())
    play.user_speaks(2.0, 3.0)  # while the reply is being made
    play.user_speaks(8.0, 9.0)
    play.run(until=3.5)
    assert not play.effects_of(ReplyInterrupted)
    assert len(play.effects_of(OpenTurn)) == 1
    play.client_sends(9.5, CommitTurn())
    play.run(until=20)
    assert not play.effects_of(ReplyInterrupted)
    assert heard_s(play, 1) > 7  # from the first words into the reply to the commit
    assert [record.end_reason for record in play.records()] == ["played", "played"]


def test_after_a_clear_in_the_middle_of_a_word_the_rest_still_counts() -> None:
    play = by_hand()
    play.user_speaks(0.5, 3.0)
    play.client_sends(1.0, ClearAudio())
    play.client_sends(3.0, CommitTurn())
    play.run(until=10)
    first, second = (e for e in play.effects_of(OpenTurn) if isinstance(e, OpenTurn))
    assert play.effects_of(DropTurn) == [DropTurn(first.turn_id)]
    assert 1.9 < heard_s(play, 1) < 2.1
    (record,) = play.records()
    assert record.turn_id == second.turn_id

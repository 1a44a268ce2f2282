"""Where a turn lies on the session's own time axis: exact numbers, on a virtual clock."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from interaction.core.commands import CommitTurn, InterruptReply, PlaybackReport, SendText
from interaction.core.config import ConversationConfig
from interaction.core.events import EngineSpeechStarted, EngineSpeechStopped, MetricMeasured
from interaction.core.late_facts import note_metric
from interaction.core.news import ReplyInterrupted
from interaction.core.orders import SendAudio
from interaction.core.records import TurnRecord
from interaction.core.reply import Reply
from interaction.core.turn import Phase, Turn
from interaction.core.turn_machine import TurnMachine
from interaction.core.turn_taking.buffered import BufferedTurnDetection
from interaction.core.turn_taking.engine_detected import EngineTurnDetection
from interaction.core.turn_taking.vad import VadTurnDetection
from interaction.tests.core.screenplay import Client, Engine, Screenplay

SPOKEN = UUID(int=1)
Span = tuple[int | None, int | None]


def speech(record: TurnRecord) -> Span:
    return record.speech_started_ms, record.speech_ended_ms


def reply(record: TurnRecord) -> Span:
    return record.reply_started_ms, record.reply_ended_ms


def sent_audio(play: Screenplay) -> bytes:
    return b"".join(order.pcm for _, order in play.effects if isinstance(order, SendAudio))


def test_a_spoken_turn_lies_where_it_was_spoken_and_its_reply_where_it_was_played() -> None:
    play = Screenplay(Engine(stt_ms=150, ttft_ms=200, tts_ms=100, sentence_ms=2_000))
    play.user_speaks(0.5, 1.5)  # frames of 32 ms: from that which ends at 512 ms on
    play.run(until=12)
    (record,) = play.records()
    assert speech(record) == (480, 1_472)
    assert reply(record) == (2_530, 6_528)
    assert record.heard_ms == 4_000


def test_a_reply_that_is_cut_off_ends_where_the_client_fell_silent() -> None:
    play = Screenplay()
    play.user_speaks(0.5, 1.5)
    play.user_speaks(5.0, 6.0)
    play.run(until=14)
    first, second = play.records()
    assert play.when(ReplyInterrupted) == 5.184
    assert reply(first) == (2_530, 5_152)
    assert first.heard_ms == 2_624
    assert speech(second) == (4_992, 5_984)
    assert reply(second) == (7_042, 11_040)


def test_the_persons_recording_reaches_from_its_pre_roll_to_the_commit() -> None:
    play = Screenplay()
    play.user_speaks(0.5, 1.5)
    play.run(until=12)
    (record,) = play.records()
    # From frame to frame of 32 ms: 320 ms before the onset, for a pre-roll of 300.
    assert (record.user_audio_started_ms, record.speech_started_ms) == (160, 480)
    assert record.opened_ms == 576, "once 96 ms of speech were heard"
    assert record.speech_ended_ms == 1_472
    assert record.latency["end_of_turn_delay"] == 608.0
    assert len(sent_audio(play)) / 2 / 16 == 1_472 + 608 - 160


@pytest.mark.parametrize("at", [0.4, 0.5, 1.0, 3.217])
@pytest.mark.parametrize(
    "detection", [VadTurnDetection(), BufferedTurnDetection(), EngineTurnDetection("server")]
)
def test_a_sound_lies_in_the_recording_where_it_was_made_on_the_clock(
    detection: Any, at: float
) -> None:
    play = Screenplay(config=ConversationConfig(turn_detection=detection))
    play.user_speaks(at, at + 1)
    play.engine_reports(at + 0.3, EngineSpeechStarted())
    play.engine_reports(at + 1.5, EngineSpeechStopped())
    play.client_sends(at + 1.6, CommitTurn())
    play.run(until=14)
    record = play.records()[0]
    first_sound = next(i for i, byte in enumerate(sent_audio(play)) if byte) // 2 / 16
    assert record.user_audio_started_ms is not None
    in_recording = record.user_audio_started_ms + first_sound
    assert in_recording == pytest.approx(record.speech_started_ms, abs=1)


def test_of_a_typed_turn_there_is_no_speech() -> None:
    play = Screenplay()
    play.client_sends(1.0, SendText("good morning"))
    play.run(until=10)
    (record,) = play.records()
    assert speech(record) == (None, None)
    assert (record.opened_ms, record.user_audio_started_ms) == (1_000, None)
    assert reply(record) == (1_300, 5_280)


def test_a_client_that_never_reports_playback_is_taken_to_play_what_it_is_sent() -> None:
    play = Screenplay(client=Client(reports=False))
    play.user_speaks(0.5, 1.5)
    play.run(until=12)
    (record,) = play.records()
    assert reply(record) == (2_530, 6_530)


def test_of_a_reply_that_was_overtaken_nothing_was_audible() -> None:
    play = Screenplay(Engine(stt_ms=400, ttft_ms=2_000))
    play.user_speaks(0.5, 1.5)
    play.user_speaks(2.3, 3.3)
    play.run(until=16)
    first, second = play.records()
    assert (speech(first), reply(first)) == ((480, 1_472), (None, None))
    assert (speech(second), reply(second)) == ((2_272, 3_296), (6_404, 10_400))


def test_a_report_that_comes_late_amends_the_end_of_the_reply() -> None:
    play = Screenplay(client=Client(reports=False))
    play.user_speaks(0.5, 1.5)
    play.client_sends(4.0, InterruptReply())
    play.run(until=5)
    (cut_off,) = play.records()
    assert reply(cut_off) == (2_530, 4_000)
    assert cut_off.reply_id is not None
    play.client_sends(5.1, PlaybackReport(cut_off.reply_id, played_ms=1_200, ended=True))
    play.run(until=5.2)
    (amended,) = play.records()
    assert amended.heard_ms == 1_200
    assert reply(amended) == (2_530, 3_730)


def test_the_clock_counts_from_the_sessions_start() -> None:
    play = Screenplay()
    play.machine = TurnMachine(play.config, started_at=-100.0)
    play.user_speaks(0.5, 1.5)
    play.run(until=12)
    (record,) = play.records()
    assert speech(record) == (100_480, 101_472)
    assert reply(record) == (102_530, 106_528)


def test_where_nobody_spoke_in_what_was_committed_there_is_no_speech() -> None:
    config = ConversationConfig(turn_detection=BufferedTurnDetection())
    play = Screenplay(config=config)
    play.client_sends(2.0, CommitTurn())
    play.user_speaks(8.0, 9.0)
    play.client_sends(10.0, CommitTurn())
    play.run(until=16)
    first, second = play.records()
    assert speech(first) == (None, None)
    assert speech(second) == (7_968, 8_992)


def test_an_engine_that_finds_the_turn_late_does_not_move_the_onset() -> None:
    config = ConversationConfig(turn_detection=EngineTurnDetection("server"))
    play = Screenplay(config=config)
    play.user_speaks(1.0, 2.0)
    play.engine_reports(1.4, EngineSpeechStarted())
    play.engine_reports(2.5, EngineSpeechStopped())
    play.run(until=8)
    (record,) = play.records()
    assert speech(record) == (992, 1_984)


def test_pauses_of_playback_lengthen_a_reply_and_do_not_move_its_start() -> None:
    made = Reply(SPOKEN)
    made.add_audio(0, b"\1\0" * 48_000)
    made.first_sent_at = 10.0
    made.on_playback(500, 10.6, ended=False)
    made.on_playback(500, 11.6, ended=False)  # it waits for more
    made.on_playback(1_000, 12.1, ended=False)
    made.on_playback(2_000, 13.3, ended=True)
    assert made.audible_span(2_000) == (10.1, 13.1)
    assert made.audible_span(0) is None
    assert replace(made, first_sent_at=None).audible_span(2_000) is None


def test_a_reply_that_was_fetched_as_a_file_was_audible_at_no_known_time() -> None:
    made = Reply(SPOKEN)
    made.add_audio(0, b"\1\0" * 48_000)
    made.first_sent_at = 10.0
    made.on_playback(2_000, 10.01, ended=True)
    assert made.audible_span(2_000) is None


def test_a_metric_that_nobody_declares_is_noted_of_no_turn() -> None:
    turn = Turn(SPOKEN, 1, "speech", Phase.RECORDING, opened_at=0.0, progress_at=0.0)
    assert not note_metric(turn, MetricMeasured(SPOKEN, "unheard_of", 5.0))
    assert "unheard_of" not in turn.latency

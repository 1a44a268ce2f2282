"""What a person experiences, played on a virtual clock."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from interaction.core.commands import (
    AudioSent,
    CommitTurn,
    HangUp,
    InterruptReply,
    PlaybackReport,
    SendText,
)
from interaction.core.config import ConversationConfig
from interaction.core.events import FinalTranscript, MetricMeasured, ReplyAudio, StageFailed
from interaction.core.news import Failure, PlayAudio, ReplyEnded, ReplyInterrupted
from interaction.core.orders import (
    CancelReply,
    DropTurn,
    EndTurn,
    FlushTurn,
    OpenTurn,
    Respond,
    SendAudio,
)
from interaction.core.turn_taking.manual import ManualTurnDetection
from interaction.core.turn_taking.vad import VadTurnDetection
from interaction.core.types import FRAME_MS, Message
from interaction.tests.core.screenplay import Client, Engine, Screenplay


def test_a_turn_goes_through_every_status_and_back_to_listening() -> None:
    play = Screenplay()
    play.user_speaks(0.5, 2.5)
    play.run(until=10)
    assert play.statuses() == [
        "recording",
        "transcribing",
        "responding",
        "speaking",
        "listening",
    ]
    (record,) = play.records()
    assert record.transcript == "hello there"
    assert record.reply == record.heard_text == "One two three four. Five six seven eight."
    assert record.end_reason == "played"
    assert record.heard_ms == 4_000


def test_latencies_follow_their_definitions() -> None:
    play = Screenplay(Engine(stt_ms=150, ttft_ms=200, tts_ms=100))
    play.user_speaks(0.5, 2.5)
    play.run(until=10)
    (ended,) = play.effects_of(ReplyEnded)
    assert isinstance(ended, ReplyEnded)
    latency = ended.latency
    committed = latency["end_of_turn_delay"]
    assert committed == pytest.approx(608, abs=33)
    assert latency["transcription_delay"] == pytest.approx((committed or 0) + 150)
    assert latency["e2e"] == pytest.approx((committed or 0) + 450)
    assert latency["ear"] is None


@pytest.mark.parametrize("silence_ms", [100, 200, 333, 500, 600, 1_000])
def test_the_pause_that_ends_a_turn_is_the_one_asked_for_to_the_nearest_frame(
    silence_ms: int,
) -> None:
    play = Screenplay(
        config=ConversationConfig(turn_detection=VadTurnDetection(silence_ms=silence_ms))
    )
    play.user_speaks(0.5, 2.5)
    play.run(until=10)
    (record,) = play.records()
    assert record.latency["end_of_turn_delay"] == pytest.approx(silence_ms, abs=FRAME_MS / 2)


def test_the_turn_holds_the_audio_from_before_the_onset() -> None:
    play = Screenplay()
    play.user_speaks(1.0, 2.0)
    play.run(until=3.5)
    sent = sum(len(e.pcm) for e in play.effects_of(SendAudio) if isinstance(e, SendAudio))
    assert sent / 32 == pytest.approx(300 + 1000 + 600, abs=3 * FRAME_MS)


def test_a_click_is_no_onset_and_a_short_pause_no_end() -> None:
    play = Screenplay()
    play.user_speaks(0.5, 0.55)
    play.user_speaks(1.0, 2.0)
    play.user_speaks(2.4, 3.0)
    play.run(until=9)
    assert len(play.effects_of(OpenTurn)) == 1
    assert play.when(OpenTurn) > 1.0
    assert play.when(EndTurn) > 3.5


def test_barge_in_stops_playback_before_it_cancels_and_keeps_only_what_was_heard() -> None:
    play = Screenplay(Engine(sentence_ms=2_000))
    play.user_speaks(0.5, 1.5)
    play.user_speaks(5.0, 6.0)
    play.run(until=14)
    kinds = [type(e) for _, e in play.effects]
    assert kinds.index(ReplyInterrupted) < kinds.index(CancelReply) < len(kinds)
    assert kinds.index(CancelReply) < kinds.index(OpenTurn, kinds.index(ReplyInterrupted))
    first, second = play.records()
    assert first.interrupted
    assert first.end_reason == "interrupted"
    assert first.reply.startswith(first.heard_text)
    assert 0 < len(first.heard_text) < len(first.reply)
    assert second.end_reason == "played"
    ends = play.effects_of(EndTurn)
    assert isinstance(ends[1], EndTurn)
    assert ends[1].context[-1] == Message("assistant", first.heard_text)


def test_no_audio_of_a_reply_is_played_after_it_was_interrupted() -> None:
    play = Screenplay(Engine(sentences=tuple(f"Number {n}." for n in range(40)), sentence_ms=900))
    play.user_speaks(0.5, 1.5)
    play.user_speaks(3.2, 4.0)
    play.run(until=8)
    cut = next(i for i, (_, e) in enumerate(play.effects) if isinstance(e, ReplyInterrupted))
    interrupted = play.effects[cut][1]
    assert isinstance(interrupted, ReplyInterrupted)
    later = [e for _, e in play.effects[cut:] if isinstance(e, PlayAudio)]
    assert all(e.reply_id != interrupted.reply_id for e in later)


def test_a_cough_does_not_stop_a_reply() -> None:
    play = Screenplay()
    play.user_speaks(0.5, 1.5)
    play.user_speaks(4.0, 4.12)
    play.run(until=10)
    assert not play.effects_of(ReplyInterrupted)
    assert [r.end_reason for r in play.records()] == ["played"]


def test_with_barge_in_off_speech_during_a_reply_is_ignored_and_the_next_turn_works() -> None:
    play = Screenplay(config=ConversationConfig(barge_in="off"))
    play.user_speaks(0.5, 1.5)
    play.user_speaks(4.0, 5.0)
    play.user_speaks(9.0, 10.0)
    play.run(until=18)
    assert not play.effects_of(ReplyInterrupted)
    assert [r.end_reason for r in play.records()] == ["played", "played"]


def test_going_on_before_anything_was_heard_supersedes_the_turn_and_keeps_its_words() -> None:
    play = Screenplay(Engine(stt_ms=400, ttft_ms=2_000))
    play.user_speaks(0.5, 1.5)
    play.user_speaks(2.3, 3.3)
    play.run(until=16)
    first, second = play.records()
    assert first.end_reason == "superseded"
    assert not first.interrupted
    assert first.transcript == "hello there"
    ends = play.effects_of(EndTurn)
    assert isinstance(ends[1], EndTurn)
    assert ends[1].context == (Message("user", "hello there"),)
    assert second.end_reason == "played"


def test_a_muted_microphone_ends_the_turn() -> None:
    play = Screenplay(microphone_until=2.0)
    play.user_speaks(0.5, 5.0)
    play.run(until=12)
    assert play.when(EndTurn) == pytest.approx(3.5, abs=0.1)
    assert [r.end_reason for r in play.records()] == ["played"]


def test_a_typed_turn_is_answered_and_interrupts_the_reply_before_it() -> None:
    play = Screenplay(config=ConversationConfig(system_prompt="Be brief."))
    play.client_sends(1.0, SendText("good morning"))
    play.client_sends(3.0, SendText("never mind"))
    play.run(until=12)
    first, second = play.records()
    assert first.kind == second.kind == "text"
    assert first.interrupted
    responds = play.effects_of(Respond)
    assert isinstance(responds[1], Respond)
    assert responds[1].context[0] == Message("system", "Be brief.")
    assert responds[1].context[-1] == Message("user", "never mind")
    assert responds[1].context[-2].content == first.heard_text


def test_push_to_talk_waits_for_the_commit_however_long_the_pauses() -> None:
    play = Screenplay(config=ConversationConfig(turn_detection=ManualTurnDetection()))
    play.user_speaks(0.5, 1.0)
    play.user_speaks(4.0, 4.5)
    play.client_sends(6.0, CommitTurn())
    play.run(until=14)
    assert len(play.effects_of(EndTurn)) == 1
    assert play.when(EndTurn) == pytest.approx(6.0)
    assert [r.end_reason for r in play.records()] == ["played"]


def test_a_commit_without_speech_says_so_and_leaves_no_record() -> None:
    play = Screenplay(config=ConversationConfig(turn_detection=ManualTurnDetection()))
    play.client_sends(2.0, CommitTurn())
    play.run(until=4)
    (failed,) = play.effects_of(Failure)
    assert isinstance(failed, Failure)
    assert failed.code == "no_speech"
    assert not play.records()


def test_a_turn_in_which_nothing_was_understood_is_forgotten() -> None:
    turn = UUID(int=1)
    nothing = StageFailed(turn, "stt", "pocketsphinx", "no_speech", "Nothing heard.", True)
    play = Screenplay(Engine(fails=nothing))
    play.user_speaks(0.5, 1.5)
    play.run(until=5)
    assert len(play.effects_of(DropTurn)) == 1
    assert not play.records()
    assert play.statuses()[-1] == "listening"


def test_a_failed_stage_costs_one_turn() -> None:
    lost = StageFailed(UUID(int=1), "llm", "openai", "stage_lost", "Gone.", True)
    play = Screenplay(Engine(fails=lost))
    play.user_speaks(0.5, 1.5)
    play.run(until=4)
    play.engine = replace(play.engine, fails=None)
    play.user_speaks(5.0, 6.0)
    play.run(until=14)
    first, second = play.records()
    assert first.end_reason == "failed"
    assert first.error is not None
    assert first.error.stage == "llm"
    assert second.end_reason == "played"


def test_a_stage_that_fails_while_the_person_speaks_costs_that_utterance_only_once() -> None:
    play = Screenplay(Engine(silent=True))
    play.user_speaks(0.5, 3.0)
    lost = StageFailed(UUID(int=1), "stt", "openai", "stage_lost", "Gone.", True)
    play.engine_reports(1.5, lost)
    play.run(until=4)
    assert len(play.effects_of(OpenTurn)) == 1
    assert len(play.effects_of(Failure)) == 1
    assert play.statuses() == ["recording", "listening"]


def test_synthesis_that_breaks_off_lets_the_rest_be_heard_and_ends_the_reply() -> None:
    play = Screenplay()
    play.user_speaks(0.5, 1.5)
    play.engine = Engine(sentences=("One two three four.",), sentence_ms=2_000)
    play.run(until=2.2)
    reply = play.effects_of(EndTurn)[0]
    assert isinstance(reply, EndTurn)
    play._cancelled.add(reply.reply_id)
    pcm = b"\1\0" * 24_000
    play.engine_reports(2.3, FinalTranscript(reply.turn_id, "hi", reply.reply_id))
    play.engine_reports(2.4, ReplyAudio(reply.reply_id, 0, 0, pcm))
    broken = StageFailed(
        reply.turn_id, "tts", "espeak", "provider_timeout", "Stalled.", True, reply.reply_id
    )
    play.engine_reports(2.6, broken)
    play.run(until=8)
    plays = play.effects_of(PlayAudio)
    assert isinstance(plays[-1], PlayAudio)
    assert plays[-1].last
    (record,) = play.records()
    assert record.end_reason == "failed"
    assert record.heard_ms == 1_000


def test_an_engine_that_never_answers_is_given_up() -> None:
    play = Screenplay(Engine(silent=True))
    play.user_speaks(0.5, 1.5)
    play.run(until=70)
    (record,) = play.records()
    assert record.error is not None
    assert record.error.code == "turn_timeout"
    assert play.statuses()[-1] == "listening"


def test_a_client_that_never_reports_playback_is_taken_at_the_clock() -> None:
    play = Screenplay(client=Client(reports=False))
    play.user_speaks(0.5, 1.5)
    play.run(until=12)
    (record,) = play.records()
    assert record.end_reason == "played"
    assert record.heard_ms == 4_000


def test_a_client_that_stops_reporting_times_out() -> None:
    play = Screenplay()
    play.user_speaks(0.5, 1.5)
    play.run(until=3.5)
    play.client = Client(reports=False)
    play.run(until=40)
    (record,) = play.records()
    assert record.end_reason == "timeout"
    assert not record.interrupted
    assert play.statuses()[-1] == "listening"


def test_a_client_that_goes_away_leaves_a_whole_record_and_no_open_turn() -> None:
    play = Screenplay()
    play.user_speaks(0.5, 1.5)
    play.client_sends(3.6, HangUp())
    play.run(until=3.7)
    (record,) = play.records()
    assert record.end_reason == "client_left"
    assert not play.effects_of(CancelReply)


def test_hanging_up_in_the_middle_of_a_sentence_drops_the_turn() -> None:
    play = Screenplay()
    play.user_speaks(0.5, 5.0)
    play.client_sends(2.0, HangUp())
    play.run(until=2.1)
    assert len(play.effects_of(DropTurn)) == 1
    assert not play.records()


def test_facts_that_come_late_are_sent_again_with_the_record() -> None:
    play = Screenplay()
    play.user_speaks(0.5, 1.5)
    play.user_speaks(4.5, 5.2)
    play.run(until=6)
    first = play.records()[0]
    assert first.reply_id is not None
    report = PlaybackReport(first.reply_id, played_ms=1_500, ended=True, ear_ms=950, yield_ms=120)
    play.client_sends(6.1, report)
    play.run(until=6.2)
    amended = play.records()[0]
    assert amended.heard_ms == 1_500
    assert amended.latency["ear"] == 950
    assert amended.latency["yield"] == 120


def test_an_eager_reply_waits_for_the_commit_and_saves_its_time() -> None:
    eager = ConversationConfig(
        turn_detection=VadTurnDetection(eager_silence_ms=200, silence_ms=800)
    )
    play = Screenplay(Engine(stt_ms=100, ttft_ms=200, tts_ms=100), config=eager)
    play.user_speaks(0.5, 1.5)
    play.run(until=8)
    assert play.when(FlushTurn) < play.when(EndTurn)
    assert play.when(EndTurn) <= play.when(PlayAudio)
    assert not [t for t, e in play.effects if isinstance(e, PlayAudio) and t < 2.25]
    (record,) = play.records()
    assert record.latency["e2e"] == pytest.approx(record.latency["end_of_turn_delay"], abs=1)


def test_speech_that_goes_on_discards_the_eager_reply() -> None:
    eager = ConversationConfig(
        turn_detection=VadTurnDetection(eager_silence_ms=200, silence_ms=800)
    )
    play = Screenplay(config=eager)
    play.user_speaks(0.5, 1.5)
    play.user_speaks(2.0, 3.0)
    play.run(until=12)
    first, second = play.effects_of(FlushTurn)
    (ended,) = play.effects_of(EndTurn)
    assert isinstance(first, FlushTurn)
    assert isinstance(second, FlushTurn)
    assert isinstance(ended, EndTurn)
    assert ended.flushed
    assert ended.reply_id == second.reply_id != first.reply_id
    (cancel,) = play.effects_of(CancelReply)
    assert isinstance(cancel, CancelReply)
    assert cancel.reply_id == first.reply_id
    assert len(play.records()) == 1


def test_a_reply_without_words_ends_at_once() -> None:
    play = Screenplay(Engine(sentences=()))
    play.user_speaks(0.5, 1.5)
    play.run(until=5)
    assert len(play.effects_of(ReplyEnded)) == 1
    assert [r.end_reason for r in play.records()] == ["played"]


def test_what_belongs_to_an_unknown_turn_is_dropped() -> None:
    play = Screenplay()
    play.run(until=0.1)
    before = len(play.effects)
    stranger = uuid4()
    play.engine_reports(0.2, ReplyAudio(stranger, 0, 0, b"\0\0"))
    play.engine_reports(0.2, FinalTranscript(stranger, "who", stranger))
    play.engine_reports(0.2, MetricMeasured(stranger, "llm_ttft", 3))
    play.client_sends(0.2, PlaybackReport(stranger, 10))
    play.client_sends(0.2, AudioSent(stranger))
    play.client_sends(0.2, InterruptReply())
    play.run(until=0.5)
    assert len(play.effects) == before

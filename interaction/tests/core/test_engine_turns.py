"""Turns that the engine finds, and words that come later than the reply to them."""

from __future__ import annotations

from uuid import UUID

from interaction.core.config import ConversationConfig
from interaction.core.events import (
    EngineLost,
    EngineSpeechStarted,
    EngineSpeechStopped,
    FinalTranscript,
    PartialSentence,
    ReplyAudio,
    ReplySentence,
    ReplyText,
)
from interaction.core.news import (
    Failure,
    ReplyInterrupted,
    ReplySentenceText,
    ReplyStarted,
    TranscriptUpdated,
)
from interaction.core.orders import EndTurn, OpenTurn, SendAudio, StreamAudio
from interaction.core.reply import Reply, Sentence
from interaction.core.turn_taking.engine_detected import EngineTurnDetection
from interaction.core.types import FRAME_SAMPLES
from interaction.tests.core.screenplay import Engine, Screenplay

BY_ENGINE = ConversationConfig(turn_detection=EngineTurnDetection("server"))


def test_the_engine_hears_everything_and_says_where_a_turn_lies() -> None:
    play = Screenplay(Engine(silent=True), BY_ENGINE)
    play.user_speaks(1.0, 2.0)
    play.engine_reports(1.3, EngineSpeechStarted())
    play.run(until=1.2)
    assert not play.effects_of(OpenTurn)
    play.run(until=4)
    assert not play.effects_of(EndTurn)
    play.engine_reports(4.1, EngineSpeechStopped())
    play.run(until=4.2)
    (end,) = play.effects_of(EndTurn)
    heard = b"".join(e.pcm for e in play.effects_of(StreamAudio) if isinstance(e, StreamAudio))
    frames = round(4.2 / 0.032)
    assert abs(len(heard) / 2 / FRAME_SAMPLES - frames) <= 4
    kept = sum(len(e.pcm) for e in play.effects_of(SendAudio) if isinstance(e, SendAudio))
    assert kept < len(heard)
    assert isinstance(end, EndTurn)


def test_the_engine_finding_a_turn_interrupts_the_reply() -> None:
    play = Screenplay(config=BY_ENGINE)
    play.user_speaks(1.0, 2.0)
    play.engine_reports(1.2, EngineSpeechStarted())
    play.engine_reports(2.4, EngineSpeechStopped())
    play.user_speaks(4.0, 5.0)
    play.engine_reports(4.2, EngineSpeechStarted())
    play.run(until=4.5)
    (cut,) = play.effects_of(ReplyInterrupted)
    assert isinstance(cut, ReplyInterrupted)
    assert 0 < cut.heard_ms < 4_000
    assert len(play.effects_of(OpenTurn)) == 2


def test_a_transcript_after_the_reply_is_told_and_kept() -> None:
    play = Screenplay(Engine(silent=True))
    play.user_speaks(0.5, 1.5)
    play.run(until=3)
    (end,) = play.effects_of(EndTurn)
    assert isinstance(end, EndTurn)
    reply = end.reply_id
    play.engine_reports(3.0, ReplySentence(reply, 0, "Good day."))
    play.engine_reports(3.0, ReplyAudio(reply, 0, 0, b"\1\0" * 2_400))
    play.run(until=3.04)
    assert play.statuses()[-1] == "speaking"
    play.engine_reports(3.1, FinalTranscript(end.turn_id, "hello there"))
    play.engine_reports(3.2, ReplyText(reply, "Good day.", 1))
    play.engine_reports(3.2, ReplyAudio(reply, 1, 0, b"", last=True))
    play.run(until=5)
    told = [type(e) for _, e in play.effects]
    assert told.count(ReplyStarted) == 1
    assert told.index(ReplyStarted) < told.index(TranscriptUpdated)
    (record,) = play.records()
    assert (record.transcript, record.reply) == ("hello there", "Good day.")


def test_of_a_sentence_that_is_still_being_written_it_is_known_what_was_heard() -> None:
    play = Screenplay(Engine(silent=True), BY_ENGINE)
    play.user_speaks(0.5, 1.5)
    play.engine_reports(0.7, EngineSpeechStarted())
    play.engine_reports(1.6, EngineSpeechStopped())
    play.run(until=2)
    (end,) = play.effects_of(EndTurn)
    assert isinstance(end, EndTurn)
    text = "Let me tell you of the days when"
    play.engine_reports(2.0, PartialSentence(end.reply_id, 0, text))
    play.engine_reports(2.0, ReplyAudio(end.reply_id, 0, 0, b"\1\0" * 48_000))
    play.engine_reports(3.0, EngineSpeechStarted())
    play.run(until=3.2)
    (cut,) = play.effects_of(ReplyInterrupted)
    assert isinstance(cut, ReplyInterrupted)
    assert cut.heard_text
    assert text.startswith(cut.heard_text)
    assert cut.heard_text != text
    assert play.effects_of(ReplySentenceText) == [], "it is not a sentence yet"
    (record,) = play.records()
    assert (record.reply, record.heard_text) == (text, cut.heard_text)


def test_a_sentence_of_which_no_audio_has_come_was_not_heard() -> None:
    reply = Reply(UUID(int=1))
    reply.sentences[0] = Sentence("One, two.")
    reply.add_audio(0, b"\1\0" * 1_000)  # 41.7 ms, which is 42 in whole milliseconds
    reply.sentences[1] = Sentence("And three")
    assert reply.heard_text(round(reply.audio_ms)) == "One, two."


def test_an_engine_that_is_lost_costs_the_turn_and_says_so() -> None:
    play = Screenplay(Engine(silent=True))
    play.user_speaks(0.5, 1.5)
    play.run(until=3)
    play.engine_reports(3, EngineLost("openai", "provider_unavailable", "Gone.", True))
    play.run(until=3.1)
    (failed,), (gone,) = play.effects_of(Failure), play.effects_of(EngineLost)
    assert isinstance(failed, Failure)
    assert isinstance(gone, EngineLost)
    assert failed.stage == "realtime"
    assert gone.code == "provider_unavailable"
    (record,) = play.records()
    assert record.end_reason == "failed"

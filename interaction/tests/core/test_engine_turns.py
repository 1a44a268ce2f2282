"""Turns that the engine finds, and words that come later than the reply to them."""

from __future__ import annotations

from uuid import UUID

from interaction.core import effects as out
from interaction.core import signals as sig
from interaction.core.signals import FRAME_SAMPLES, ConversationConfig, TurnDetection
from interaction.core.turn import Reply, Sentence
from interaction.tests.core.screenplay import Engine, Screenplay

BY_ENGINE = ConversationConfig(turn_detection=TurnDetection("server"))


def test_the_engine_hears_everything_and_says_where_a_turn_lies() -> None:
    play = Screenplay(Engine(silent=True), BY_ENGINE)
    play.user_speaks(1.0, 2.0)
    play.stage_says(1.3, sig.TurnFound())
    play.run(until=1.2)
    assert not play.said(out.OpenTurn)
    play.run(until=4)
    assert not play.said(out.EndTurn)
    play.stage_says(4.1, sig.TurnOver())
    play.run(until=4.2)
    (end,) = play.said(out.EndTurn)
    heard = b"".join(e.pcm for e in play.said(out.Listen) if isinstance(e, out.Listen))
    frames = round(4.2 / 0.032)
    assert abs(len(heard) / 2 / FRAME_SAMPLES - frames) <= 4
    kept = sum(len(e.pcm) for e in play.said(out.SendAudio) if isinstance(e, out.SendAudio))
    assert kept < len(heard)
    assert isinstance(end, out.EndTurn)


def test_the_engine_finding_a_turn_interrupts_the_reply() -> None:
    play = Screenplay(config=BY_ENGINE)
    play.user_speaks(1.0, 2.0)
    play.stage_says(1.2, sig.TurnFound())
    play.stage_says(2.4, sig.TurnOver())
    play.user_speaks(4.0, 5.0)
    play.stage_says(4.2, sig.TurnFound())
    play.run(until=4.5)
    (cut,) = play.said(out.Interrupted)
    assert isinstance(cut, out.Interrupted)
    assert 0 < cut.heard_ms < 4_000
    assert len(play.said(out.OpenTurn)) == 2


def test_a_transcript_after_the_reply_is_told_and_kept() -> None:
    play = Screenplay(Engine(silent=True))
    play.user_speaks(0.5, 1.5)
    play.run(until=3)
    (end,) = play.said(out.EndTurn)
    assert isinstance(end, out.EndTurn)
    reply = end.reply_id
    play.stage_says(3.0, sig.ReplySentence(reply, 0, "Good day."))
    play.stage_says(3.0, sig.ReplyAudio(reply, 0, 0, b"\1\0" * 2_400))
    play.run(until=3.04)
    assert play.statuses()[-1] == "speaking"
    play.stage_says(3.1, sig.FinalTranscript(end.turn_id, "hello there"))
    play.stage_says(3.2, sig.ReplyText(reply, "Good day.", 1))
    play.stage_says(3.2, sig.ReplyAudio(reply, 1, 0, b"", last=True))
    play.run(until=5)
    told = [type(e) for _, e in play.effects]
    assert told.count(out.ReplyBegan) == 1
    assert told.index(out.ReplyBegan) < told.index(out.TranscriptHeard)
    (record,) = play.records()
    assert (record.transcript, record.reply) == ("hello there", "Good day.")


def test_of_a_sentence_that_is_still_being_written_it_is_known_what_was_heard() -> None:
    play = Screenplay(Engine(silent=True), BY_ENGINE)
    play.user_speaks(0.5, 1.5)
    play.stage_says(0.7, sig.TurnFound())
    play.stage_says(1.6, sig.TurnOver())
    play.run(until=2)
    (end,) = play.said(out.EndTurn)
    assert isinstance(end, out.EndTurn)
    text = "Let me tell you of the days when"
    play.stage_says(2.0, sig.SentenceSoFar(end.reply_id, 0, text))
    play.stage_says(2.0, sig.ReplyAudio(end.reply_id, 0, 0, b"\1\0" * 48_000))
    play.stage_says(3.0, sig.TurnFound())
    play.run(until=3.2)
    (cut,) = play.said(out.Interrupted)
    assert isinstance(cut, out.Interrupted)
    assert cut.heard_text
    assert text.startswith(cut.heard_text)
    assert cut.heard_text != text
    assert play.said(out.ReplySpoken) == [], "it is not a sentence yet"
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
    play.stage_says(3, sig.EngineLost("openai", "provider_unavailable", "Gone.", True))
    play.run(until=3.1)
    (failed,), (gone,) = play.said(out.Failed), play.said(out.EngineGone)
    assert isinstance(failed, out.Failed)
    assert isinstance(gone, out.EngineGone)
    assert failed.stage == "realtime"
    assert gone.code == "provider_unavailable"
    (record,) = play.records()
    assert record.end_reason == "failed"

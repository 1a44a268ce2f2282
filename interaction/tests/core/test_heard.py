"""What was heard of a reply is what the client really played of it, however the turn ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from uuid import UUID

import pytest

from interaction.core.commands import HangUp, InterruptReply, PlaybackReport, SendText
from interaction.core.events import StageFailed
from interaction.core.news import ReplyHeard
from interaction.core.orders import CancelReply, NotePlayback
from interaction.core.records import TurnRecord
from interaction.core.reply import Reply, Sentence
from interaction.core.turn_endings import ENDINGS, Ending
from interaction.tests.core.screenplay import Client, Engine, Screenplay

REPORT_MS = 250
SENTENCES = ("One two three four five six seven eight.", "Nine ten eleven twelve.")
TURN = UUID(int=1)
CUT_AT = 4.0
"""When the reply, which becomes audible at 2.5 s and lasts for 4 s, is cut off."""


def client(**more: Any) -> Client:
    return Client(report_every_ms=REPORT_MS, **more)


def play_with(player: Client | None = None, **engine: Any) -> Screenplay:
    play = Screenplay(Engine(sentences=SENTENCES, **engine), client=player or client())
    play.user_speaks(0.5, 1.5)
    return play


def played() -> Screenplay:
    return play_with()


def played_without_reports() -> Screenplay:
    return play_with(Client(reports=False))


def paused_and_played() -> Screenplay:
    return play_with(client(pauses=(3.0, 300.0)))


def interrupted_by_speech() -> Screenplay:
    play = play_with()
    play.user_speaks(CUT_AT, CUT_AT + 1)
    return play


def interrupted_by_a_line() -> Screenplay:
    play = play_with()
    play.client_sends(CUT_AT, SendText("never mind"))
    return play


def interrupted_where_the_client_dies() -> Screenplay:
    play = play_with(client(dies_at=CUT_AT + 0.2))
    play.user_speaks(CUT_AT, CUT_AT + 1)
    return play


def overtaken() -> Screenplay:
    play = play_with(ttft_ms=4_000)
    play.user_speaks(3.0, 4.0)
    return play


def stopped_by_interrupt() -> Screenplay:
    play = play_with()
    play.client_sends(CUT_AT, InterruptReply())
    return play


def stopped_by_interrupt_with_figure() -> Screenplay:
    play = play_with()

    def interrupt() -> list[Any]:
        heard_ms = round(play.client.played_ms) - 40  # as pages say it: not the latest
        return [*play.machine.on_command(InterruptReply(heard_ms), play.now)]

    play.at(CUT_AT, interrupt)
    return play


def stopped_while_it_is_made() -> Screenplay:
    play = play_with(ttft_ms=4_000)
    play.client_sends(CUT_AT, InterruptReply())
    return play


def stopped_by_a_last_report() -> Screenplay:
    """What the page does first when somebody presses Stop."""
    play = play_with()

    def stop() -> list[Any]:
        play.client_reports(ended=True)
        play.client.playing = None
        return play.machine.on_command(HangUp("ended"), play.now)

    play.at(CUT_AT, stop)
    return play


def stopped_while_paused() -> Screenplay:
    play = play_with(client(pauses=(3.0, 1e9)))
    play.client_sends(CUT_AT, InterruptReply())
    return play


def ended_with_the_session() -> Screenplay:
    play = play_with(client(dies_at=CUT_AT))
    play.client_sends(CUT_AT, HangUp("ended"))
    return play


def ended_with_the_session_unreported() -> Screenplay:
    play = play_with(Client(reports=False, dies_at=CUT_AT))
    play.client_sends(CUT_AT, HangUp("ended"))
    return play


def tab_closed() -> Screenplay:
    """The page says how far it is, and is gone."""
    play = play_with()

    def leave() -> list[Any]:
        play.client_reports(ended=False)
        play.client.dies_at = play.now
        return play.machine.on_command(HangUp("client_left"), play.now)

    play.at(CUT_AT, leave)
    return play


def connection_lost() -> Screenplay:
    """The client is dead; the server finds that out half a minute later."""
    play = play_with(client(dies_at=CUT_AT))
    play.client_sends(CUT_AT + 25, HangUp("client_left"))
    return play


def client_too_slow() -> Screenplay:
    play = play_with(client(dies_at=CUT_AT))
    play.client_sends(CUT_AT, HangUp("client_too_slow"))
    return play


def time_is_up() -> Screenplay:
    play = play_with(client(dies_at=CUT_AT))
    play.client_sends(CUT_AT, HangUp("session_expired"))
    return play


def server_stops() -> Screenplay:
    play = play_with(client(dies_at=CUT_AT))
    play.client_sends(CUT_AT, HangUp("server_stopped"))
    return play


def mode_changed() -> Screenplay:
    play = play_with()
    play.at(CUT_AT, lambda: play.machine.release_engine(play.now))
    return play


def client_stalled() -> Screenplay:
    return play_with(client(dies_at=CUT_AT))


def paused_for_too_long() -> Screenplay:
    return play_with(client(pauses=(CUT_AT, 1e9)))


def never_played() -> Screenplay:
    """A client that reports: its browser plays nothing before a click, which never comes."""
    return play_with(client(pauses=(0.0, 1e9)))


def stage_lost() -> Screenplay:
    """The worker dies when the first sentence has come: that is played."""
    lost = StageFailed(TURN, "tts", "espeak", "stage_lost", "Gone.", True, reply_id=UUID(int=2))
    play = play_with(sentence_ms=2_000)
    play.engine_reports(2.56, lost)
    return play


@dataclass(frozen=True)
class Row:
    """A way to end, and by how much the record may differ from what was really played, ms."""

    ending: Ending
    make: Callable[[], Screenplay]
    within_ms: float = 0.5
    until: float = 45.0
    heard_ms: tuple[float, float] = field(default=(0, 4_000))
    """What was really played lies between these."""

    def __str__(self) -> str:
        return self.make.__name__


MID = (1_300, 1_700)
ROWS = (
    Row("played", played, heard_ms=(4_000, 4_000)),
    Row("played", played_without_reports, heard_ms=(4_000, 4_000)),
    Row("played", paused_and_played, heard_ms=(4_000, 4_000), until=310),
    Row("interrupted", interrupted_by_speech, heard_ms=(1_400, 1_900)),
    Row("interrupted", interrupted_by_a_line, heard_ms=MID),
    Row("interrupted", interrupted_where_the_client_dies, REPORT_MS, heard_ms=(1_400, 1_900)),
    Row("superseded", overtaken, heard_ms=(0, 0)),
    Row("stopped", stopped_by_interrupt, heard_ms=MID),
    Row("stopped", stopped_by_interrupt_with_figure, heard_ms=MID),
    Row("stopped", stopped_while_it_is_made, heard_ms=(0, 0)),
    Row("stopped", stopped_by_a_last_report, heard_ms=MID),
    Row("stopped", stopped_while_paused, heard_ms=(400, 600)),
    Row("stopped", ended_with_the_session, REPORT_MS, heard_ms=MID),
    Row("stopped", ended_with_the_session_unreported, 40, heard_ms=MID),
    Row("client_left", tab_closed, heard_ms=MID),
    Row("client_left", connection_lost, REPORT_MS, heard_ms=MID),
    Row("client_left", client_too_slow, REPORT_MS, heard_ms=MID),
    Row("session_ended", time_is_up, REPORT_MS, heard_ms=MID),
    Row("session_ended", server_stops, REPORT_MS, heard_ms=MID),
    Row("mode_changed", mode_changed, heard_ms=MID),
    Row("timeout", client_stalled, REPORT_MS, heard_ms=MID),
    Row("timeout", paused_for_too_long, heard_ms=MID, until=620),
    Row("timeout", never_played, heard_ms=(0, 0), until=620),
    Row("failed", stage_lost, heard_ms=(2_000, 2_000)),
)


@cache
def ended(row: Row) -> Screenplay:
    """It was played to its end, once for the tests that only look at it."""
    play = row.make()
    play.run(until=row.until)
    return play


def first_record(play: Screenplay) -> TurnRecord:
    (record,) = (record for record in play.records() if record.turn_id == TURN)
    return record


def words_in(ms: float) -> int:
    """Words of the reply that are over after ``ms`` of it, each sentence of 2 s spoken evenly."""
    words = 0
    for sentence in SENTENCES:
        spoken = sentence[: int(len(sentence) * min(max(ms, 0), 2_000) / 2_000) + 1]
        whole = spoken if len(spoken) >= len(sentence) else spoken[: spoken.rfind(" ") + 1]
        words += len(whole.split())
        ms -= 2_000
    return words


def test_the_rows_know_every_ending_with_a_reply() -> None:
    assert {row.ending for row in ROWS} == set(ENDINGS) - {"heard", "dropped"}


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_what_is_kept_as_heard_was_played(row: Row) -> None:
    play = ended(row)
    record = first_record(play)
    assert record.end_reason == row.ending
    assert record.reply_id is not None
    rendered = play.client.rendered_ms.get(record.reply_id, 0)
    low, high = row.heard_ms
    assert low <= rendered <= high
    assert record.heard_ms is not None
    assert abs(record.heard_ms - rendered) <= row.within_ms
    if ENDINGS[row.ending].heard == "reported" and play.client.reports:
        assert record.heard_ms <= rendered + 0.5, "nothing is claimed that was not played"
    assert abs(len(record.heard_text.split()) - words_in(rendered)) <= (row.within_ms > 1)
    assert record.reply.startswith(record.heard_text)
    assert record.interrupted is (row.ending in ("interrupted", "stopped"))


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_the_client_is_told_what_is_kept(row: Row) -> None:
    play = ended(row)
    record = first_record(play)
    told = [
        news
        for news in play.effects_of(ReplyHeard)
        if isinstance(news, ReplyHeard) and news.turn_id == TURN
    ]
    if not told:  # it was overtaken before its reply had begun: that is told by an interruption
        assert row.make in (overtaken, stopped_while_it_is_made)
        return
    last = told[-1]
    assert (last.heard_ms, last.heard_text) == (record.heard_ms, record.heard_text)
    assert (last.end_reason, last.reply_id) == (record.end_reason, record.reply_id)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_of_a_reply_that_was_cut_off_the_conversation_keeps_what_was_heard(row: Row) -> None:
    play = ended(row)
    record = first_record(play)
    (reply, *_) = [m.content for m in play.machine.messages() if m.role == "assistant"] or [""]
    if row.make in (interrupted_by_speech, interrupted_by_a_line, overtaken):
        assert reply in (record.heard_text, " ".join(SENTENCES))  # or it is the next turn's
    elif ENDINGS[row.ending].reply_kept == "whole":
        assert reply == record.reply
    else:
        assert reply == record.heard_text


@pytest.mark.parametrize("at", [2.6, 3.0, 3.7, 4.4, 5.1, 6.0, 6.4])
def test_should_the_process_die_what_it_noted_last_is_near_what_was_played(at: float) -> None:
    play = play_with()
    play.run(until=at)
    notes = [e for e in play.effects_of(NotePlayback) if isinstance(e, NotePlayback)]
    noted, words = (notes[-1].heard_ms, len(notes[-1].heard_text.split())) if notes else (0, 0)
    (rendered,) = play.client.rendered_ms.values()
    assert 0 <= rendered - noted <= 2 * REPORT_MS
    assert 0 <= words_in(rendered) - words <= 2
    assert not play.records()


def test_playback_is_not_noted_more_often_than_it_is_reported() -> None:
    play = play_with(Client())  # which reports every 32 ms
    play.run(until=20)
    assert len(play.effects_of(NotePlayback)) <= 4_000 / REPORT_MS


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_whatever_is_replayed_or_said_twice_later_changes_nothing(row: Row) -> None:
    play = row.make()
    play.run(until=row.until)
    before = first_record(play)
    assert before.reply_id is not None and before.heard_ms is not None
    again = PlaybackReport(before.reply_id, before.heard_ms, ended=True)
    play.client_sends(play.now, again)
    play.run(until=play.now + 0.1)
    after = first_record(play)
    assert (after.heard_ms, after.end_reason) == (before.heard_ms, before.end_reason)


def test_a_reply_that_was_taken_to_be_played_is_stopped_if_its_client_says_so_later() -> None:
    """A client that never reports, but cuts off afterwards: OpenAI's do that."""
    play = played_without_reports()
    play.run(until=10)
    record = first_record(play)
    assert (record.end_reason, record.heard_ms) == ("played", 4_000)
    assert record.reply_id is not None
    play.client_sends(10.0, PlaybackReport(record.reply_id, 1_500, ended=True))
    play.run(until=10.1)
    record = first_record(play)
    assert (record.end_reason, record.heard_ms) == ("stopped", 1_500)


@pytest.mark.parametrize("short_ms", [0, 1, 20, 49])
def test_rounding_does_not_make_a_reply_that_was_played_one_that_was_stopped(short_ms: int) -> None:
    play = play_with(Client(reports=False))
    play.run(until=4)
    reply_id = play.client.playing
    assert reply_id is not None
    play.client_sends(6.6, PlaybackReport(reply_id, 4_000 - short_ms, ended=True))
    play.run(until=7)
    assert first_record(play).end_reason == "played"


def test_a_reply_that_its_person_stops_is_not_made_any_further() -> None:
    play = ended_with_the_session()
    play.run(until=5)
    assert [e.reply_id for e in play.effects_of(CancelReply) if isinstance(e, CancelReply)]
    left = tab_closed()
    left.run(until=5)
    assert not left.effects_of(CancelReply), "what a client that left asked for is kept whole"


def test_a_pause_counts_from_its_beginning_and_a_new_one_anew() -> None:
    play = play_with(client(pauses=(3.0, 500.0)))
    play.run(until=502)
    play.client.pauses = (502.0, 1_000.0)
    play.run(until=1_005)
    assert first_record(play).end_reason == "played"


def reply_of(*texts: str, ms: float = 1_000) -> Reply:
    reply = Reply(TURN)
    for number, text in enumerate(texts):
        reply.sentences[number] = Sentence(text, ms)
    return reply


@pytest.mark.parametrize(
    ("text", "at", "heard"),
    [
        ("今天天氣很好。", 500, "今天天"),
        ("今天天氣很好。", 990, "今天天氣很"),
        ("今日はいい天気です。", 500, "今日はいい"),
        ("สวัสดีครับผม", 500, "สวัสดี"),
        ("안녕하세요 반갑습니다", 400, ""),
        ("안녕하세요 반갑습니다", 700, "안녕하세요"),
        ("one two three four", 500, "one two"),
        ("one two three four", 170, "one"),
        ("one", 900, ""),
        ("Paris 是法國的首都", 600, "Paris 是"),
        ("Paris 是法國的首都", 300, ""),
        ("cafe\u0301 noir ouvert", 300, "cafe\u0301"),
        ("家族👨‍👩‍👧と行く", 300, "家族"),
    ],
)
def test_words_are_whole_in_every_script(text: str, at: int, heard: str) -> None:
    assert reply_of(text).heard_text(at) == heard


@pytest.mark.parametrize("ms", range(0, 2_001, 50))
def test_what_was_heard_is_always_a_beginning_that_grows(ms: int) -> None:
    reply = reply_of("今天 it is fine, 很好.", "Und morgen auch wieder.")
    heard, longer = reply.heard_text(ms), reply.heard_text(ms + 50)
    assert reply.written().startswith(longer)
    assert longer.startswith(heard)

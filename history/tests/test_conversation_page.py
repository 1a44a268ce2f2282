"""The page of one conversation: what is there without scripts, and what the scripts are given."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from history.models import TurnAnnotation
from history.tests.conftest import add_turn
from history.tests.recorded import recorded_conversation
from interaction.models import Session, Task, ToolInvocation, Turn, TurnLatency

Talked = Callable[..., Session]


@pytest.fixture
def heard(owner: User) -> Session:
    return recorded_conversation(owner)


def page_of(browser: Client, session: Session, query: str = "") -> str:
    return browser.get(f"/history/{session.pk}/{query}").content.decode()


def data_of(page: str) -> dict[str, Any]:
    found = re.search(r'id="conversation-data" type="application/json">(.*?)</script>', page)
    assert found
    data: dict[str, Any] = json.loads(found[1])
    return data


def test_without_scripts_the_browsers_own_player_has_the_whole(
    at_home: Client, heard: Session
) -> None:
    page = page_of(at_home, heard)
    assert page.count("<audio") == 1
    address = f"/api/v1/interaction/sessions/{heard.pk}/audio"
    assert f'<audio controls preload="none" src="{address}"' in page
    assert f'href="{address}#t=8.0"' in page, "play from here, of the second turn"
    assert f'href="{address}?format=flac" download' in page
    assert f'href="/history/{heard.pk}/figures/"' in page


def test_the_scripts_get_every_turn_with_its_place_on_the_axis(
    at_home: Client, heard: Session
) -> None:
    data = data_of(page_of(at_home, heard))
    assert data["ms"] == 8_000 + 300 + 2_000 + 1_000 + 1_500
    first, second = data["turns"]
    assert first["user"] == [0, 2_900]
    assert first["speech"] == [300, 2_300]
    assert first["agent"] == [3_300, 6_300]
    assert second["agent"] == [11_300, 12_800], "as far as it was heard"
    assert first["asked_at"] == 2_300
    assert first["sentences"] == [[0, 0], [18, 1_500]]
    assert (first["total"], first["metric"]) == (1_000, "ear")
    assert first["segments"][0] == {"stage": "end_of_turn", "start": 0.0, "ms": 600.0}
    assert first["latency"]["yield"] is None


def test_places_in_a_reply_are_counted_as_scripts_count(at_home: Client, talked: Talked) -> None:
    session = talked(turns=0)
    add_turn(session, reply="👍👍 Good. Bye.", sentence_starts=[[0, 0], [9, 700]])
    (turn,) = data_of(page_of(at_home, session))["turns"]
    assert turn["sentences"] == [[0, 0], [11, 700]]


def test_nothing_that_was_said_can_end_the_scripts_data(at_home: Client, talked: Talked) -> None:
    session = talked(turns=0)
    add_turn(session, error={"stage": "llm", "message": "</script><b>", "code": "x"})
    assert "</script><b>" not in page_of(at_home, session)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"recording": False}, "Recording was off: there is nothing to hear."),
        ({}, "There is no recording of this conversation (any more)."),
    ],
)
def test_where_there_is_nothing_to_hear_the_page_says_why(
    at_home: Client, talked: Talked, fields: dict[str, Any], said: str
) -> None:
    page = page_of(at_home, talked(**fields))
    assert said in page
    assert "<audio" not in page
    assert "data-play>" not in page
    assert data_of(page)["waveform"] is None


def test_turns_whose_time_is_not_known_are_named(
    at_home: Client, heard: Session, talked: Talked
) -> None:
    all_of_them = page_of(at_home, talked(turns=3))
    assert "When these turns took place is not known" in all_of_them
    assert "data-guessed" not in page_of(at_home, heard)
    clock = dict.fromkeys(("opened_ms", "user_audio_started_ms", "speech_started_ms"))
    heard.turns.filter(sequence=2).update(**clock, reply_started_ms=None, speech_ended_ms=None)
    assert "When turn 2 took place is not known" in page_of(at_home, heard)


def test_events_come_in_their_order_each_with_its_time_and_turn(
    at_home: Client, heard: Session
) -> None:
    fallback = {"stage": "llm", "failed": "openai", "code": "x", "provider": "demo"}
    error = {"stage": "tts", "provider": "espeak", "code": "x", "message": "It is gone."}
    heard.turns.filter(sequence=1).update(fallbacks=[fallback], error=error, mode="realtime")
    task = Task.objects.create(turn=heard.turns.get(sequence=2))
    ToolInvocation.objects.create(
        task=task, sequence=0, tool="current_time", arguments="", result="", status="failed", ms=3
    )
    page = page_of(at_home, heard)
    found = re.findall(r'data-event="(\w+)".*?data-at="(\d+)">([\d:.]+)</a>', page)
    assert found == [
        ("start", "0", "0:00.0"),
        ("mode", "0", "0:00.0"),
        ("fallback", "2300", "0:02.3"),
        ("error", "6300", "0:06.3"),
        ("mode", "8000", "0:08.0"),
        ("tool", "10300", "0:10.3"),
        ("cut", "12800", "0:12.8"),
        ("end", "12800", "0:12.8"),
    ]
    assert (
        "Demo agent stepped in." in page.partition('data-event="fallback"')[2].partition("</li>")[0]
    )
    assert "Current time: failed" in page


def test_of_a_long_conversation_the_turns_come_in_parts_and_the_axis_as_a_whole(
    at_home: Client, talked: Talked, django_assert_num_queries: Any
) -> None:
    session = talked(turns=230)
    # Session, user, conversation, turns with latencies, tasks, the last one of its configuration.
    with django_assert_num_queries(6):
        page = page_of(at_home, session)
    assert page.count('<li class="turn"') == 50
    assert len(data_of(page)["turns"]) == 230
    assert 'href="?from=51" hx-get="?from=51" hx-trigger="revealed, click"' in page
    rest = at_home.get(f"/history/{session.pk}/?from=201", headers={"HX-Request": "true"})
    part = rest.content.decode()
    assert part.count('<li class="turn"') == 30
    assert "<html" not in part
    assert "?from=" not in part
    alone = page_of(at_home, session, "?from=101")
    assert alone.count('<li class="turn"') == 50
    assert "Show the turns from the first on" in alone


@pytest.mark.parametrize("wanted", ["", "x", "-3", "0", "1.5", "9" * 40, "²", "99999999"])
def test_a_first_turn_that_makes_no_sense_breaks_nothing(
    at_home: Client, talked: Talked, wanted: str
) -> None:
    assert at_home.get(f"/history/{talked().pk}/", {"from": wanted}).status_code == 200


def test_all_figures_are_a_table_with_a_dash_for_what_is_unknown(
    at_home: Client, talked: Talked, django_assert_num_queries: Any
) -> None:
    session = talked(turns=3)
    TurnLatency.objects.filter(turn__sequence=3).delete()
    with django_assert_num_queries(4):  # session, user, conversation, turns
        page = at_home.get(f"/history/{session.pk}/figures/").content.decode()
    rows = re.findall(r'<tr id="turn-\d">(.*?)</tr>', page)
    cells = [re.findall(r'<td class="figure number">(.*?)</td>', row)[1:] for row in rows]
    assert cells[0] == ["600", "–", "–", "–", "–", "900", "950", "–"]
    assert cells[2] == ["–"] * 8


class TestAnnotations:
    @pytest.fixture
    def turn(self, heard: Session) -> Turn:
        return heard.turns.get(sequence=1)

    @pytest.fixture
    def address(self, turn: Turn) -> str:
        return f"/history/{turn.session_id}/turns/{turn.pk}/annotation/"

    def test_without_scripts_one_comes_back_to_the_turn(
        self, at_home: Client, turn: Turn, address: str
    ) -> None:
        answered = at_home.post(address, {"note": " Good one. ", "rating": "up"})
        assert answered.status_code == 302
        assert answered["Location"] == f"/history/{turn.session_id}/#turn-1"
        page = page_of(at_home, turn.session)
        assert '<p class="note" dir="auto">Good one.</p>' in page
        assert 'id="up-1" name="rating" value="" aria-pressed="true"' in page

    def test_htmx_gets_the_form_anew_and_the_thumb_leaves_the_note_alone(
        self, at_home: Client, turn: Turn, address: str
    ) -> None:
        TurnAnnotation.write(turn, note="<b>Hm</b>")
        answered = at_home.post(address, {"rating": "down"}, headers={"HX-Request": "true"})
        part = answered.content.decode()
        assert "<html" not in part
        assert "&lt;b&gt;Hm&lt;/b&gt;" in part
        assert 'id="down-1" name="rating" value="" aria-pressed="true"' in part
        again = at_home.post(address, {"rating": ""}, headers={"HX-Request": "true"})
        assert 'aria-pressed="true"' not in again.content.decode()
        assert TurnAnnotation.objects.get().note == "<b>Hm</b>"

    @pytest.mark.parametrize("htmx", [{}, {"HX-Request": "true"}])
    def test_what_is_too_long_is_kept_in_the_field_to_be_shortened(
        self, at_home: Client, address: str, htmx: dict[str, str]
    ) -> None:
        answered = at_home.post(address, {"note": "x" * 2_001}, headers=htmx)
        assert answered.status_code == 422
        assert "x" * 2_001 in answered.content.decode()
        assert "at most 2000 characters" in answered.content.decode()
        assert not TurnAnnotation.objects.exists()

    @pytest.mark.parametrize("rating", ["sideways", "upp", "up "])
    def test_there_are_two_thumbs(self, at_home: Client, address: str, rating: str) -> None:
        assert at_home.post(address, {"rating": rating}).status_code == 422
        assert not TurnAnnotation.objects.exists()

    def test_it_is_written_by_post_alone(self, at_home: Client, address: str) -> None:
        assert at_home.get(address).status_code == 405


@pytest.mark.parametrize(
    ("who", "status"),
    [("owner", 200), ("stranger", 404), ("staff", 404), ("anonymous", 302)],
)
@pytest.mark.parametrize("path", ["", "?from=2", "figures/", "annotation"])
def test_who_may_see_it(
    heard: Session, owner: User, stranger: User, who: str, status: int, path: str
) -> None:
    if who == "staff":
        stranger.is_staff = stranger.is_superuser = True
        stranger.save()
    browser = Client()
    if who != "anonymous":
        browser.force_login(owner if who == "owner" else stranger)
    address = f"/history/{heard.pk}/"
    if path == "annotation":
        turn = heard.turns.get(sequence=1)
        address += f"turns/{turn.pk}/annotation/"
        answered = browser.post(address, {"note": "x"})
        assert TurnAnnotation.objects.exists() == (who == "owner")
        status = 302 if who == "owner" else status
    else:
        answered = browser.get(address + path)
    assert answered.status_code == status
    if who == "anonymous":
        assert answered["Location"].startswith("/sign-in/")


def test_a_turn_of_another_conversation_cannot_be_annotated_through_ones_own(
    at_home: Client, heard: Session, stranger: User
) -> None:
    theirs = recorded_conversation(stranger).turns.get(sequence=1)
    address = f"/history/{heard.pk}/turns/{theirs.pk}/annotation/"
    assert at_home.post(address, {"note": "x"}).status_code == 404

"""One declaration of filters, read by REST and by the page."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from history.filters import SessionFilter
from interaction.models import Session

Talked = Callable[..., Session]
SESSIONS = "/api/v1/interaction/sessions"
PAGE = "/history/"


def shown(page: str) -> set[str]:
    return set(re.findall(r'href="/history/([0-9a-f-]{36})/"', page))


def control(page: str, name: str) -> str:
    """The tag of a control, and for a selection its options."""
    select, other = rf'<select name="{name}".*?</select>', rf'<input[^>]* name="{name}"[^>]*>'
    found = re.search(f"{select}|{other}", page, re.DOTALL)
    assert found, name
    return found[0]


@pytest.fixture
def four(talked: Talked) -> list[Session]:
    """An ended cascade a week ago, a realtime one, one in progress, one that was never started."""
    sessions = [
        talked(title="Old"),
        talked(title="Quick", mode="realtime"),
        talked(title="Now", turns=0),
        talked(title="Not yet", turns=0),
    ]
    week_ago = timezone.now() - timedelta(days=7)
    Session.objects.filter(title="Old").update(created_at=week_ago)
    Session.objects.filter(title="Now").update(status="active", ended_at=None)
    Session.objects.filter(title="Not yet").update(status="created", ended_at=None)
    return sessions


@pytest.mark.parametrize(
    ("wanted", "titles"),
    [
        ({}, {"Old", "Quick"}),
        ({"silent": "too"}, {"Old", "Quick", "Now", "Not yet"}),
        ({"silent": "only"}, {"Now", "Not yet"}),
        ({"status": "active"}, {"Now"}),
        ({"status": "created"}, {"Not yet"}),
        ({"mode": "realtime"}, {"Quick"}),
        ({"since": "DAY"}, {"Quick"}),
        ({"until": "DAY"}, {"Old"}),
        ({"until": "MOMENT"}, {"Old"}),
        ({"text": "MY NAME"}, {"Old", "Quick"}),
        ({"text": "quick"}, {"Quick"}),
        ({"status": "ended", "mode": "cascade", "text": "john"}, {"Old"}),
    ],
)
def test_the_page_narrows_as_rest_does(
    at_home: Client, four: list[Session], wanted: dict[str, str], titles: set[str]
) -> None:
    day = timezone.localtime() - timedelta(days=1)
    moments = {"DAY": f"{day:%Y-%m-%d}", "MOMENT": day.isoformat()}
    wanted = {name: moments.get(value, value) for name, value in wanted.items()}
    answer = at_home.get(SESSIONS, wanted)
    assert {item["title"] for item in answer.json()["items"]} == titles
    page = at_home.get(PAGE, wanted).content.decode()
    assert shown(page) == {str(session.pk) for session in four if session.title in titles}


def test_every_filter_has_its_control_in_a_form_that_needs_no_script(
    at_home: Client, talked: Talked
) -> None:
    talked()
    page = at_home.get(PAGE).content.decode()
    form = page.partition('<form class="filters"')[2].partition("</form>")[0]
    names = re.findall(r'<(?:input|select)[^>]* name="(\w+)"', form)
    assert sorted(names) == sorted(SessionFilter.model_fields)
    for name in names:
        assert f'<label for="id_{name}">' in form


def test_the_controls_keep_what_was_asked_for(at_home: Client, talked: Talked) -> None:
    talked()
    asked = {"status": "ended", "since": "2026-01-02", "text": 'say "a" & b'}
    page = at_home.get(PAGE, asked).content.decode()
    assert '<option value="ended" selected>' in control(page, "status")
    assert 'type="date"' in control(page, "since")
    assert 'value="2026-01-02"' in control(page, "since")
    assert "value" not in control(page, "until")
    assert 'value="say &quot;a&quot; &amp; b"' in control(page, "text")
    chips = re.findall(r'<li><a href="([^"]*)"><span class="soft">([^<]*)</span>', page)
    assert [label for _query, label in chips] == ["Words that were said", "Since", "State"]
    assert "status=" not in chips[2][0]
    assert "since=2026-01-02" in chips[2][0]


def test_a_time_of_day_is_kept_too_on_the_servers_clock(
    at_home: Client, talked: Talked, settings: Any
) -> None:
    settings.TIME_ZONE = "Asia/Taipei"
    talked()
    page = at_home.get(PAGE, {"since": "2026-01-02T03:04:05Z"}).content.decode()
    assert 'type="datetime-local"' in control(page, "since")
    assert 'value="2026-01-02T11:04:05"' in control(page, "since")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("status", "asleep"),
        ("mode", "<b>"),
        ("since", "yesterday"),
        ("since", "2026-13-01T00:00"),
        ("until", "0001-01-01"),
        ("until", "0001-01-01T00:00:00"),
        ("text", "a\0b"),
        ("text", "a" * 201),
        ("since", "9999-12-31T23:59:59-12:00"),
        ("until", "0001-01-01T00:00:00+14:00"),
        ("since", "10000-01-01"),
        ("until", "inf"),
        ("since", "nan"),
        ("p95_above", "-1"),
        ("p95_above", "nan"),
        ("p95_above", "inf"),
        ("p95_above", "fast"),
        ("interrupted", "maybe"),
        ("failed", "2"),
        ("starred", "*"),
        ("template", "0"),
        ("template", "x"),
        ("template", str(2**63)),
        ("silent", "always"),
        ("tag", "a" * 101),
        ("stt", "a" * 101),
        ("llm_model", "a" * 201),
        ("language", "e\0n"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_by_rest_and_said_on_the_page(
    at_home: Client, four: list[Session], settings: Any, name: str, value: str
) -> None:
    settings.TIME_ZONE = "Asia/Taipei"
    assert at_home.get(SESSIONS, {name: value}).status_code == 422
    good = {"text": "quick"} if name != "text" else {"mode": "realtime"}
    page = at_home.get(PAGE, good | {name: value}).content.decode()
    assert len(shown(page)) == 1
    assert 'class="errorlist"' in page
    assert 'aria-invalid="true"' in control(page, name)
    assert "<b>" not in control(page, name)


def test_what_is_empty_narrows_nothing(at_home: Client, four: list[Session]) -> None:
    empty = dict.fromkeys(SessionFilter.model_fields, "")
    page = at_home.get(PAGE, empty | {"page": "many"}).content.decode()
    assert len(shown(page)) == 2
    assert "errorlist" not in page


@pytest.mark.parametrize("name", ["colour", "Status", "since ", "pages", "text[]", "", "a" * 500])
def test_what_is_no_filter_is_refused_with_the_names_of_those_there_are(
    at_home: Client, name: str
) -> None:
    page = at_home.get(PAGE, {name: "<red>", "mode": "realtime"})
    assert page.status_code == 400
    rest = at_home.get(SESSIONS, {name: "<red>", "mode": "realtime"})
    assert (rest.status_code, rest.json()["error"]["code"]) == (400, "unknown_parameter")
    for answered in (page.content.decode(), rest.json()["error"]["message"]):
        assert f"{', '.join(SessionFilter.model_fields)}, sort, page" in answered
        assert "red>" not in answered
        assert len(name) < 100 or name not in answered


def test_pages_go_on_with_what_fits(at_home: Client, talked: Talked) -> None:
    for number in range(30):
        talked(mode="realtime" if number % 10 else "cascade")
    page = at_home.get(PAGE, {"mode": "realtime", "sort": "turns"}).content.decode()
    for address in ("href", "hx-get"):
        assert f'{address}="?mode=realtime&amp;sort=turns&amp;page=2"' in page
    wanted = {"mode": "realtime", "page": "2"}
    rows = at_home.get(PAGE, wanted, headers={"HX-Request": "true"})
    assert len(shown(rows.content.decode())) == 2
    assert rows["HX-Push-Url"] == "/history/?mode=realtime&page=2"


@pytest.mark.parametrize("number", ["0", "-1", "x", "99", "9" * 50, "²", ""])
def test_a_page_that_there_is_not_is_the_nearest_one(
    at_home: Client, talked: Talked, number: str
) -> None:
    for text in ("", "john"):
        talked()
        page = at_home.get(PAGE, {"page": number, "text": text}).content.decode()
        assert shown(page)


def test_where_nothing_fits_the_way_back_is_shown(at_home: Client, talked: Talked) -> None:
    talked()
    page = at_home.get(PAGE, {"text": "nobody says this"}).content.decode()
    assert "No conversation matches the filter." in page
    assert "Nothing here yet." not in page
    assert re.search(r'class="button" href="/history/">Show all<', page)


def test_before_the_first_conversation_there_is_nothing_to_narrow(at_home: Client) -> None:
    assert "filters" not in at_home.get(PAGE).content.decode()


def test_a_time_without_an_offset_is_on_the_servers_clock(settings: Any) -> None:
    settings.TIME_ZONE = "Asia/Taipei"
    wanted = SessionFilter.model_validate({"since": "2026-01-02"})
    assert wanted.since == datetime(2026, 1, 1, 16, tzinfo=UTC)

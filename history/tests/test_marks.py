"""Titles, tags and stars: by REST, by HTMX, and by forms alone; one's own alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import resolve
from django.utils import timezone

from history.filters import SessionFilter
from history.management.commands import bench_history
from history.models import OfferedValue, SessionSummary, Star, Tag
from history.silent import sweep_silent
from history.tests.conftest import add_turn
from interaction.models import Session, Turn

pytestmark = [pytest.mark.unit, pytest.mark.django_db]
Talked = Callable[..., Session]
HTMX = {"HX-Request": "true"}


def rest(session: Session) -> str:
    return f"/api/v1/interaction/sessions/{session.pk}"


def patch(client: Client, session: Session, body: dict[str, Any]) -> Any:
    return client.patch(rest(session), body, content_type="application/json")


def test_what_is_given_is_changed_and_the_rest_stays(at_home: Client, talked: Talked) -> None:
    session = talked(title="Old")
    for body, changed in (
        ({"starred": True}, ("Old", True, [])),
        ({"tags": ["Demo", " to   keep "]}, ("Old", True, ["Demo", "to keep"])),
        ({"title": "New"}, ("New", True, ["Demo", "to keep"])),
        ({}, ("New", True, ["Demo", "to keep"])),
        ({"starred": False, "tags": ["demo", "DEMO"]}, ("New", False, ["Demo"])),
        ({"title": "", "tags": []}, ("", False, [])),
    ):
        answer = patch(at_home, session, body)
        assert answer.status_code == 200, answer.content
        got = at_home.get(rest(session)).json()
        assert got == answer.json()
        assert (got["title"], got["starred"], got["tags"]) == changed, body
    assert not Tag.objects.exists()  # one that no session has is not offered


@pytest.mark.parametrize(
    "body",
    [
        {"title": "a" * 201},
        {"title": "a\0b"},
        {"title": 5},
        {"starred": "perhaps"},
        {"tags": "demo"},
        {"tags": [""]},
        {"tags": ["  "]},
        {"tags": ["a,b"]},
        {"tags": ["a" * 41]},
        {"tags": [str(number) for number in range(21)]},
        {"status": "active"},
        {"owner": 2},
    ],
)
def test_what_makes_no_sense_is_refused(
    at_home: Client, talked: Talked, body: dict[str, Any]
) -> None:
    session = talked(title="Old")
    assert patch(at_home, session, body).status_code == 422
    assert at_home.get(rest(session)).json()["title"] == "Old"


def test_nobody_marks_what_is_somebody_elses(
    elsewhere: Client, client: Client, talked: Talked
) -> None:
    session = talked(title="Old")
    pages = [f"/history/{session.pk}/{what}/" for what in ("edit", "star")]
    assert patch(elsewhere, session, {"title": "Mine"}).status_code == 404
    assert patch(client, session, {"title": "Mine"}).status_code == 401
    for page in pages:
        assert elsewhere.post(page, {"title": "Mine", "starred": "true"}).status_code == 404
        assert client.post(page, {"title": "Mine"})["Location"].startswith("/sign-in/")
    session.refresh_from_db()
    assert session.title == "Old"
    assert not Star.objects.exists()


def test_tags_are_each_persons_own(at_home: Client, talked: Talked, stranger: User) -> None:
    theirs = Session.objects.create(owner=stranger)
    Tag.replace(theirs, ["demo", "theirs"])
    patch(at_home, talked(), {"tags": ["Demo"]})
    page = at_home.get("/history/").content.decode()
    assert '<option value="Demo">' in page
    assert "theirs" not in page
    assert at_home.get("/api/v1/interaction/sessions?tag=demo").json()["count"] == 1
    assert at_home.get("/api/v1/interaction/sessions?tag=theirs").json()["count"] == 0


def test_title_and_tags_are_edited_without_scripts(at_home: Client, talked: Talked) -> None:
    session = talked()
    here = "/history/?mode=cascade"
    page = at_home.get(f"/history/{session.pk}/edit/", {"next": here}).content.decode()
    assert "<html" in page
    assert f'href="{here}"' in page
    given = {"title": "A title", "tags": "one, two，three、one", "next": here}
    answer = at_home.post(f"/history/{session.pk}/edit/", given)
    assert (answer.status_code, answer["Location"]) == (302, here)
    listed = at_home.get(here).content.decode()
    assert "A title" in listed
    for tag in ("one", "two", "three"):
        assert f'href="/history/?tag={tag}"' in listed


def test_htmx_gets_the_part_of_the_row_that_changed(at_home: Client, talked: Talked) -> None:
    session = talked()
    form = at_home.get(f"/history/{session.pk}/edit/", headers=HTMX).content.decode()
    assert "<html" not in form
    assert 'name="title"' in form
    given = {"title": "A john", "tags": "", "next": "/history/?text=john"}
    row = at_home.post(f"/history/{session.pk}/edit/", given, headers=HTMX).content.decode()
    assert "A <mark>john</mark>" in row
    for starred, pressed in (("true", "true"), ("false", "false")):
        star = at_home.post(f"/history/{session.pk}/star/", {"starred": starred}, headers=HTMX)
        assert f'aria-pressed="{pressed}"' in star.content.decode()
        assert Star.objects.filter(session=session).exists() == (starred == "true")


@pytest.mark.parametrize("address", ["//elsewhere.example/", "https://elsewhere.example/", "x", ""])
def test_a_form_leads_back_to_this_site_alone(
    at_home: Client, talked: Talked, address: str
) -> None:
    answer = at_home.post(f"/history/{talked().pk}/star/", {"starred": "true", "next": address})
    assert answer["Location"] == "/history/"


def test_a_tag_list_that_is_too_long_is_said_beside_it(at_home: Client, talked: Talked) -> None:
    given = {"title": "Kept", "tags": ", ".join(f"tag {number}" for number in range(30))}
    page = at_home.post(f"/history/{talked().pk}/edit/", given).content.decode()
    assert "At most 20 tags" in page
    assert 'value="Kept"' in page


@pytest.mark.parametrize(
    ("kept", "fields", "marks"),
    [
        (False, {"status": "created"}, {}),
        (False, {"status": "ended"}, {}),
        (True, {"status": "active"}, {}),
        (True, {"status": "ended", "title": "Mine"}, {}),
        (True, {"status": "ended"}, {"starred": True}),
        (True, {"status": "created"}, {"tags": ["a", "b"]}),
    ],
)
def test_old_silent_sessions_are_swept_unless_they_are_marked(
    owner: User, kept: bool, fields: dict[str, Any], marks: dict[str, Any]
) -> None:
    session = Session.objects.create(owner=owner, **fields)
    Star.put([session.pk], marks.get("starred", False))
    Tag.replace(session, marks.get("tags", []))
    now = timezone.now()
    assert sweep_silent(now + timedelta(hours=23)) == 0
    assert sweep_silent(now + timedelta(hours=25)) == (0 if kept else 1)
    assert Session.objects.filter(pk=session.pk).exists() == kept


def test_a_sweep_takes_recordings_along_and_leaves_what_was_said(
    owner: User, talked: Talked, settings: Any
) -> None:
    spoken, failed, silent = talked(), talked(turns=0), talked(turns=0)
    add_turn(failed, transcript="", reply="", error={"code": "timeout"})
    turn = add_turn(silent, transcript="", reply="")
    turn.user_audio.save("user.wav", ContentFile(b"x"))
    path, storage = turn.user_audio.name, turn.user_audio.storage
    later = timezone.now() + timedelta(days=2)
    settings.ENV = settings.ENV.model_copy(update={"parley_silent_hours": 0})
    assert sweep_silent(later) == 0
    settings.ENV = settings.ENV.model_copy(update={"parley_silent_hours": 24})
    assert sweep_silent(later) == 1
    assert set(Session.objects.all()) == {spoken, failed}
    assert not storage.exists(str(path))


def test_what_no_session_holds_any_more_is_offered_no_longer(
    at_home: Client, talked: Talked
) -> None:
    providers = {"providers": {"stt": {"name": "deepgram", "model": "nova-3"}}}
    talked(settings=providers).delete()
    talked(settings={"providers": {"stt": {"name": "moonshine"}}})
    OfferedValue.forget_unused()
    page = at_home.get("/history/").content.decode()
    assert '<option value="moonshine">Moonshine</option>' in page
    assert "nova-3" not in page


def run(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def test_an_archive_is_made_as_it_is_asked_for_and_measured(owner: User) -> None:
    told = run("make_history", "--sessions", "40", "--turns", "100", "--seed", "7")
    assert "Made 40 sessions with 100 turns." in told
    assert (Session.objects.count(), Turn.objects.count()) == (40, 100)
    first = list(Session.objects.order_by("pk").values())
    summed_up = SessionSummary.objects.count()
    with pytest.raises(CommandError, match="there already"):
        run("make_history", "--sessions", "40", "--turns", "100", "--seed", "7")
    Session.objects.all().delete()
    run("make_history", "--sessions", "40", "--turns", "100", "--seed", "7")
    assert list(Session.objects.order_by("pk").values()) == first
    assert summed_up == 40
    assert Star.objects.exists()
    assert set(Tag.objects.values_list("name", flat=True)) >= {"demo"}
    table = run("bench_history", "/history/", "--repeat", "1")
    assert "/history/" in table
    measured = dict(bench_history.pages_of(owner))
    assert {f"list, {name}" for name in SessionFilter.model_fields} - measured.keys() == {
        "list, text"
    }
    assert all(resolve(path.partition("?")[0]) for path in measured.values())


def test_without_conversations_there_is_nothing_to_measure(owner: User) -> None:
    with pytest.raises(CommandError, match="make_history"):
        run("bench_history")

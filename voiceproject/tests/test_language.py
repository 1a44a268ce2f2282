"""The switch of languages: on every page, for everybody, without scripts."""

from __future__ import annotations

import pytest
from django.test import Client

pytestmark = [pytest.mark.unit, pytest.mark.django_db]
CHINESE = "歷史紀錄"


def choose(client: Client, language: str, **sent: str) -> str:
    headers = {"Referer": sent.pop("referer")} if "referer" in sent else {}
    answer = client.post("/language/", {"language": language, **sent}, headers=headers)
    assert answer.status_code == 303
    return str(answer["Location"])


def test_a_page_stays_and_its_language_changes(at_home: Client) -> None:
    assert (
        'value="/history/?mode=realtime&amp;page=2"'
        in at_home.get("/history/?mode=realtime&page=2").content.decode()
    )
    assert choose(at_home, "zh-hant", next="/history/?mode=realtime") == "/history/?mode=realtime"
    page = at_home.get("/history/")
    assert CHINESE in page.content.decode()
    assert '<html lang="zh-hant"' in page.content.decode()
    choose(at_home, "en", next="/history/")
    assert CHINESE not in at_home.get("/history/").content.decode()


def test_the_choice_goes_before_what_the_browser_asks_for(at_home: Client) -> None:
    choose(at_home, "en")
    page = at_home.get("/history/", headers={"Accept-Language": "zh-TW"}).content.decode()
    assert CHINESE not in page


@pytest.mark.parametrize("path", ["/sign-in/", "/nothing/here/"])
def test_who_is_not_signed_in_chooses_too(client: Client, path: str) -> None:
    page = client.get(path, follow=True).content.decode()
    assert 'action="/language/"' in page
    choose(client, "zh-hant", next=path)
    assert '<html lang="zh-hant"' in client.get(path, follow=True).content.decode()


def test_no_token_of_a_form_is_needed() -> None:
    browser = Client(enforce_csrf_checks=True)
    assert choose(browser, "zh-hant", next="/sign-in/") == "/sign-in/"


@pytest.mark.parametrize("language", ["", "xx", "fr", "zh-hant\r\nSet-Cookie: a=b", "<b>"])
def test_a_language_that_there_is_not_changes_nothing(client: Client, language: str) -> None:
    choose(client, language)
    assert not client.cookies


@pytest.mark.parametrize(
    ("sent", "back"),
    [
        ({"next": "//elsewhere.example/"}, "/"),
        ({"next": "https://elsewhere.example/"}, "/"),
        ({"next": "/\\elsewhere.example/"}, "/"),
        ({"next": ""}, "/"),
        ({"referer": "http://testserver/keys/?a=b"}, "/keys/?a=b"),
        ({"referer": "https://elsewhere.example/keys/"}, "/"),
        ({"next": "/history/", "referer": "http://testserver/keys/"}, "/history/"),
    ],
)
def test_it_leads_back_on_this_site_alone(client: Client, sent: dict[str, str], back: str) -> None:
    assert choose(client, "en", **sent) == back


def test_it_is_asked_by_a_form_alone(client: Client) -> None:
    assert client.get("/language/").status_code == 405

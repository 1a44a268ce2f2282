"""What is answered where something is wrong: pages to people, JSON to programs."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.test.utils import override_settings

from interaction.tests.edges.client import validator
from voiceproject.error_answers import ErrorAnswers

ADDRESSES = {"page": "/nothing/", "rest": "/api/v1/nothing", "openai": "/v1/nothing"}
SESSIONS = "/api/v1/interaction/sessions"
CHINESE = {"Accept-Language": "zh-TW"}


def check_shape(response: Any, code: str) -> None:
    """The answer is as those who asked read it, in the language they asked for."""
    path = response.wsgi_request.path_info
    if path.startswith("/api"):
        validator("api_error").validate(response.json())
        assert response.json()["error"]["code"] == code
    elif path.startswith("/v1"):
        error = response.json()["error"]
        assert set(error) == {"type", "code", "message", "param"}
        assert error["code"] == code
        assert error["message"]
    else:
        page = response.content.decode()
        assert response["Content-Type"] == "text/html; charset=utf-8"
        assert page.count("<h1>") == 1
        assert 'class="brand"' in page
    assert "default-src 'self'" in response["Content-Security-Policy"]


@pytest.fixture
def browser() -> Client:
    return Client(raise_request_exception=False)


@pytest.mark.parametrize(
    "path",
    [
        *ADDRESSES.values(),
        *("/api", "/api/", "/api/v2/", "/api/v1/interaction/sessions/7"),
        *("/v1/", "/v1/nothing?x=1", "/history/7/", "/%00", "/%ff", "/<script>", "/a" * 900),
        f"{SESSIONS}/00000000-0000-0000-0000-000000000000/turns/7/audio",
        f"/api/v1/interaction/templates/{'9' * 5_000}",
    ],
)
def test_what_is_not_there(browser: Client, path: str) -> None:
    response = browser.get(path)
    assert response.status_code == 404
    check_shape(response, "not_found")
    assert "<script>" not in response.content.decode().partition("<h1>")[2]


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
@pytest.mark.parametrize("path", [SESSIONS, "/v1/models", "/history/", "/"])
def test_a_method_that_does_not_exist_there(at_home: Client, method: str, path: str) -> None:
    response = getattr(at_home, method)(path)
    assert response.status_code == 405
    assert "GET" in response["Allow"]
    check_shape(response, "method_not_allowed")


@pytest.mark.parametrize("path", [*ADDRESSES.values(), "/", SESSIONS, "/v1/models"])
def test_a_name_that_the_server_does_not_have(browser: Client, path: str) -> None:
    response = browser.get(path, headers={"Host": "elsewhere.example"})
    assert response.status_code == 400
    check_shape(response, "unknown_host")
    assert "elsewhere" not in response.content.decode()


def test_a_wrong_name_is_said_in_the_persons_language_and_leads_nowhere(browser: Client) -> None:
    headers = {"Host": "elsewhere.example"}
    english = browser.get("/", headers=headers).content.decode()
    chinese = browser.get("/", headers=headers | CHINESE).content.decode()
    assert "<h1>The server does not go by this name</h1>" in english
    assert "does not go by" not in chinese
    assert "next-steps" not in english + chinese, "any link would lead to the same answer"


class Crashed(Exception):
    pass


def _crash(*args: Any, **kwargs: Any) -> None:
    raise Crashed("sk-secret")


PAGES = [("/", "interaction.views.talk_context"), ("/history/", "history.views.nearest_page_of")]
APIS = [
    (SESSIONS, "history.api.sessions.page_of"),
    ("/api/v1/interaction/providers", "interaction.api.providers.provider_options"),
    ("/v1/models", "interaction.edges.openai.models.model_names"),
]


@pytest.mark.parametrize(
    ("path", "part", "debug"),
    # Whoever develops gets Django's own page.
    [(*one, False) for one in PAGES + APIS] + [(*one, True) for one in APIS],
)
def test_a_bug_is_answered_in_shape_and_says_nothing_of_itself(
    owner: Any,
    token: str,
    browser: Client,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    part: str,
    debug: bool,
) -> None:
    monkeypatch.setattr(part, _crash)
    browser.force_login(owner)
    with override_settings(DEBUG=debug):
        response = browser.get(path, headers={"authorization": f"Bearer {token}"})
    assert response.status_code == 500
    check_shape(response, "server_error" if path.startswith("/v1") else "internal_error")
    assert "sk-secret" not in response.content.decode()


def test_the_page_of_a_bug_asks_no_database(client: Client) -> None:
    # Without the mark, pytest-django lets nobody reach it.
    browser = Client(raise_request_exception=False)
    browser.cookies["sessionid"] = "x" * 32
    response = browser.get("/", headers=CHINESE)
    assert response.status_code == 500
    page = response.content.decode()
    assert '<html lang="zh-hant">' in page
    assert 'href="/"' in page
    assert "Sign out" not in page


@pytest.mark.parametrize("path", ["/sign-in/", "/settings/endpoints/", "/sign-out/"])
def test_a_form_without_its_token(owner: Any, path: str) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(owner)
    response = browser.post(path, {}, headers={"Referer": "http://testserver/settings/?a=1"})
    assert response.status_code == 403
    check_shape(response, "csrf_failed")
    page = response.content.decode()
    assert 'href="/settings/?a=1"' in page
    stranger = browser.post(path, {}, headers={"Referer": "http://elsewhere.example/"})
    assert "elsewhere" not in stranger.content.decode()


def test_a_range_that_is_not_there_keeps_its_headers(rf: RequestFactory) -> None:
    refused = HttpResponse(status=416, headers={"Content-Range": "bytes */10"})
    response = ErrorAnswers(lambda request: refused)(rf.get("/api/v1/x"))
    assert response["Content-Range"] == "bytes */10"
    assert b"range_not_satisfiable" in getattr(response, "content", b"")


def test_the_language_is_that_of_who_asks(browser: Client) -> None:
    assert "There is nothing here" in browser.get("/nothing/").content.decode()
    assert '<html lang="zh-hant">' in browser.get("/nothing/", headers=CHINESE).content.decode()

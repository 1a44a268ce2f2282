"""NUL characters and halves of surrogate pairs, from wherever people's texts come: they are refused
in words, or cleaned, and never reach a database, which takes neither."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models.signals import pre_save
from django.test import Client

from interaction.models import Endpoint, PromptTemplate

HALF = b"\xed\xa0\x80"
"""Half a surrogate pair as UTF-8 would have it, if it had it."""
ODD = [b"a\0b", b"a" + HALF]
TEMPLATE = "/admin/interaction/prompttemplate/"
FORMS: dict[str, dict[str, Any]] = {
    "/sign-in/": {"username": "owner", "password": "x", "next": "/", "secret": ""},
    "/settings/keys/openai/": {"key": "sk-x"},
    "/settings/endpoints/": {
        "name": "home",
        "base_url": "http://localhost:9/v1",
        "key": "",
        "stt_models": "a",
        "llm_models": "a, b",
        "tts_models": "",
        "realtime_models": "",
        "voices": "c",
        "sample_rate": "24000",
    },
    f"{TEMPLATE}add/": {
        "title": "Kind",
        "language": "en",
        "slug": "kind",
        "text": "Be kind.",
        "order": "1",
        "active": "on",
    },
    "/admin/login/": {"username": "owner", "password": "x", "next": "/admin/"},
    "/better-ears/": {"model": "tiny-en", "language": "en", "fetching": ""},
}
QUERIES = {
    "/": ("template",),
    "/history/": ("text", "since", "until", "status", "mode", "page"),
    "/better-ears/": ("language", "fetching"),
    "/sign-in/": ("next",),
    TEMPLATE: ("q", "language__exact", "active__exact", "o", "p", "_facets"),
    "/admin/interaction/session/": ("q", "mode__exact", "created_at__gte", "created_at__day"),
    "/admin/interaction/turn/": ("q", "kind__exact", "session__id"),
    "/admin/auth/user/": ("q", "groups__id__exact"),
}


@pytest.fixture
def boss(owner: User, monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setattr("interaction.views.start_fetch", lambda model: None)
    owner.is_staff = owner.is_superuser = True
    owner.save()
    browser = Client(raise_request_exception=False)
    browser.force_login(owner)
    return browser


@pytest.fixture(autouse=True)
def nothing_odd_is_saved() -> Any:
    """SQLite takes what PostgreSQL refuses: look before it does."""

    def look(sender: Any, instance: Any, **more: Any) -> None:
        for field in instance._meta.concrete_fields:
            assert "\\x00" not in repr(getattr(instance, field.attname)), field.attname
            assert "\\ud8" not in repr(getattr(instance, field.attname)), field.attname

    for model in (Endpoint, PromptTemplate):
        pre_save.connect(look, sender=model)
    yield
    for model in (Endpoint, PromptTemplate):
        pre_save.disconnect(look, sender=model)


def encoded(fields: dict[str, Any]) -> bytes:
    """A form as bytes, so that it may hold what no text does."""
    return b"&".join(
        name.encode() + b"=" + b"".join(b"%%%02x" % byte for byte in as_bytes(value))
        for name, value in fields.items()
    )


def as_bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode()


@pytest.mark.parametrize(
    ("address", "name"), [(address, name) for address in FORMS for name in FORMS[address]]
)
def test_forms_refuse_or_clean_them(boss: Client, address: str, name: str) -> None:
    browser = Client(raise_request_exception=False) if "in/" in address[-4:] else boss
    for odd in ODD:
        body = encoded(FORMS[address] | {name: odd})
        response = browser.post(address, body, content_type="application/x-www-form-urlencoded")
        assert response.status_code < 500, (odd, response.content)


@pytest.mark.parametrize("address", QUERIES)
def test_addresses_refuse_or_ignore_them(
    boss: Client, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr("django.db.backends.utils.CursorWrapper.execute", watched(asked))
    for odd in ODD:
        for name in QUERIES[address]:
            response = boss.get(f"{address}?{encoded({name: odd}).decode()}")
            assert response.status_code < 500, (odd, response.content)
    assert not [one for one in asked if "\\x00" in one or "\\ud8" in one]


@pytest.mark.parametrize("name", ["sessionid", "csrftoken", "django_language", "parley_time_zone"])
def test_cookies_with_them_are_refused_or_ignored(
    boss: Client, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr("django.db.backends.utils.CursorWrapper.execute", watched(asked))
    for value in ('"aaaaaaaa\\000"', '"\\000"', '"\\355\\240\\200aaaaaaaa"'):
        for address in ("/", "/api/v1/interaction/providers", "/v1/models"):
            browser = Client(raise_request_exception=False, headers={"Cookie": f"{name}={value}"})
            browser.cookies.clear()
            response = browser.get(address)
            assert response.status_code < 500, value
    assert not [one for one in asked if "\\x00" in one]


def watched(asked: list[str]) -> Any:
    """``execute`` of a database's cursor, which notes what is given to it."""
    from django.db.backends.utils import CursorWrapper

    usual = CursorWrapper.execute

    def execute(self: Any, sql: str, params: Any = None) -> Any:
        asked.append(repr(params))
        return usual(self, sql, params)

    return execute

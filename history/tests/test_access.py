"""Every address of the history, and who may use it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from history import batches
from history.models import Batch, ShareLink
from history.urls import urlpatterns
from interaction.api.api import api
from interaction.models import Session

REST = "/api/v1/interaction"
JSON: dict[str, Any] = {"content_type": "application/json"}

ADDRESSES: dict[str, tuple[str, str, Any, int]] = {
    "page": ("get", "/history/{session}/", None, 200),
    "figures": ("get", "/history/{session}/figures/", None, 200),
    "end card": ("get", "/history/{session}/end-card/", None, 302),
    "annotating": ("post", "/history/{session}/turns/{turn}/annotation/", {"note": "x"}, 302),
    "edit page": ("get", "/history/{session}/edit/", None, 200),
    "editing": ("post", "/history/{session}/edit/", {"title": "x"}, 302),
    "star": ("post", "/history/{session}/star/", {"starred": "1"}, 302),
    "session": ("get", REST + "/sessions/{session}", None, 200),
    "marks": ("patch", REST + "/sessions/{session}", {"title": "x"}, 200),
    "turns": ("get", REST + "/sessions/{session}/turns", None, 200),
    "their side": ("get", REST + "/sessions/{session}/turns/{turn}/audio?side=user", None, 200),
    "its side": ("get", REST + "/sessions/{session}/turns/{turn}/audio?side=agent", None, 200),
    "audio": ("get", REST + "/sessions/{session}/audio", None, 200),
    "flac": ("get", REST + "/sessions/{session}/audio?format=flac", None, 200),
    "waveform": ("get", REST + "/sessions/{session}/waveform", None, 200),
    "annotation": ("patch", REST + "/sessions/{session}/turns/{turn}", {"note": "x"}, 200),
    "latency": ("get", REST + "/sessions/{session}/latency-stats", None, 200),
    "export": ("get", REST + "/sessions/{session}/export?format=zip", None, 200),
    "revoke recording": ("delete", REST + "/sessions/{session}/recordings", None, 200),
    "delete": ("delete", REST + "/sessions/{session}", None, 204),
    "share": ("post", REST + "/sessions/{session}/share-links", {}, 201),
    "revoke link": ("delete", REST + "/share-links/{link}", None, 204),
    "batch": ("get", REST + "/batches/{batch}", None, 200),
    "batch's file": ("get", REST + "/batches/{batch}/file", None, 200),
    "delete batch": ("delete", REST + "/batches/{batch}", None, 204),
    "delete page": ("get", "/history/{session}/delete/", None, 200),
    "deleting": ("post", "/history/{session}/delete/", {}, 302),
    "recording page": ("get", "/history/{session}/recording/", None, 200),
    "revoking recording": ("post", "/history/{session}/recording/", {}, 302),
    "share page": ("get", "/history/{session}/share/", None, 200),
    "sharing": ("post", "/history/{session}/share/", {}, 200),
    "revoking link": ("post", "/history/share-links/{link}/revoke/", {}, 302),
    "dropping batch": ("post", "/history/batches/{batch}/drop/", {}, 302),
    "confirming": ("post", "/history/batches/{draft}/confirm/", {}, 302),
}
OWN: dict[str, tuple[str, str, Any, int]] = {
    "list": ("get", "/history/", None, 200),
    "latency page": ("get", "/history/latency/", None, 200),
    "sessions": ("get", f"{REST}/sessions", None, 200),
    "latency of all": ("get", f"{REST}/sessions/latency-stats", None, 200),
    "new session": ("post", f"{REST}/sessions", {}, 201),
    "batches": ("get", f"{REST}/batches", None, 200),
    "new batch": ("post", f"{REST}/batches", {"kind": "delete", "filter": {}}, 202),
    "links": ("get", f"{REST}/share-links", None, 200),
    "retention": ("get", f"{REST}/retention", None, 200),
    "limits": ("put", f"{REST}/retention", {"days": 1, "megabytes": None}, 200),
    "data page": ("get", "/history/data/", None, 200),
    "batches' part": ("get", "/history/batches/", None, 200),
    "selection": ("post", "/history/selection/?", {"do": "delete", "all": "1"}, 200),
}
"""Addresses at which everybody finds what is theirs."""


@pytest.fixture
def names(owner: User, recorded: Callable[..., Session]) -> dict[str, Any]:
    session = recorded()
    batch = Batch.of(owner, Batch.Kind.EXPORT, [session.pk], format="txt")
    batches.run(batch)
    return {
        "session": session.pk,
        "turn": session.turns.get(sequence=1).pk,
        "link": ShareLink.make(session)[0].pk,
        "batch": batch.pk,
        "draft": Batch.draft(owner, [session.pk]).pk,
    }


def test_no_address_is_forgotten() -> None:
    pages = {f"/history/{one.pattern}" for one in urlpatterns}
    rest = {
        (method, f"/api/v1{path.removeprefix('/api/v1')}")
        for path, methods in api.get_openapi_schema()["paths"].items()
        for method in methods
        if "/sessions" in path or "/batches" in path or "/share-links" in path
    }
    named = [*ADDRESSES.values(), *OWN.values()]
    assert {shape(address) for _, address, _, _ in named} >= {shape(page) for page in pages}
    assert {(method, shape(address)) for method, address, _, _ in named} >= {
        (method, shape(path)) for method, path in rest
    }


def shape(address: str) -> str:
    return re.sub(r"<[^>]*>|{[^}]*}", "*", address).partition("?")[0]


def browser_of(person: str, stranger: User) -> Client:
    browser = Client()
    if person == "staff":
        User.objects.filter(pk=stranger.pk).update(is_staff=True, is_superuser=True)
    if person != "anonymous":
        browser.force_login(stranger)
    return browser


def asked(browser: Client, method: str, address: str, body: Any) -> int:
    as_json = JSON if address.startswith("/api/") and body is not None else {}
    ask = getattr(browser, method)
    answer = ask(address, body, **as_json) if body is not None else ask(address)
    status: int = answer.status_code
    if getattr(answer, "streaming", False):
        b"".join(answer)
    if status == 302 and answer["Location"].startswith("/sign-in/"):
        return 401
    return status


@pytest.mark.parametrize("name", ADDRESSES)
def test_the_owner_may(name: str, at_home: Client, names: dict[str, Any]) -> None:
    method, address, body, usual = ADDRESSES[name]
    assert asked(at_home, method, address.format(**names), body) == usual


@pytest.mark.parametrize("person", ["stranger", "staff", "anonymous"])
def test_for_others_nothing_is_there(
    person: str, owner: User, stranger: User, names: dict[str, Any]
) -> None:
    browser = browser_of(person, stranger)
    answers = {
        name: asked(browser, method, address.format(**names), body)
        for name, (method, address, body, _usual) in ADDRESSES.items()
    }
    assert answers == dict.fromkeys(ADDRESSES, 401 if person == "anonymous" else 404)
    assert Session.objects.get().recording
    assert ShareLink.objects.get().revoked_at is None
    assert Batch.objects.count() == 2


@pytest.mark.parametrize("person", ["stranger", "staff", "anonymous"])
def test_others_find_only_their_own(
    person: str, owner: User, stranger: User, names: dict[str, Any]
) -> None:
    browser = browser_of(person, stranger)
    answers = {name: asked(browser, *wanted[:3]) for name, wanted in OWN.items()}
    expected = {name: usual for name, (_, _, _, usual) in OWN.items()} | {"selection": 302}
    assert answers == (dict.fromkeys(OWN, 401) if person == "anonymous" else expected)
    assert Session.objects.get(pk=names["session"]).owner == owner


@pytest.mark.parametrize("name", OWN)
def test_the_owner_finds_theirs(name: str, at_home: Client, names: dict[str, Any]) -> None:
    method, address, body, usual = OWN[name]
    assert asked(at_home, method, address, body) == usual


def test_what_belongs_to_others_is_in_no_list(
    stranger: User, elsewhere: Client, names: dict[str, Any]
) -> None:
    assert elsewhere.get(f"{REST}/batches").json() == []
    assert elsewhere.get(f"{REST}/share-links").json() == []
    page = elsewhere.get("/history/data/").content.decode()
    assert str(names["batch"]) not in page
    assert str(names["link"]) not in page

"""Signing in by link and by password, and out again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from interaction.models import SignInLink
from voiceproject.sign_in import link_for

SIGN_IN = "/sign-in/"


def signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def test_a_link_signs_in(client: Client, owner: Any) -> None:
    response = client.post(SIGN_IN, {"token": SignInLink.make(owner)})
    assert (response.status_code, response["Location"]) == (302, reverse("talk"))
    assert signed_in(client)


def test_a_link_signs_in_once(client: Client, owner: Any) -> None:
    token = SignInLink.make(owner)
    client.post(SIGN_IN, {"token": token})
    again = Client().post(SIGN_IN, {"token": token})
    assert again.status_code == 403
    assert "has been used" in again.content.decode()


def test_a_link_lasts_ten_minutes(client: Client, owner: Any) -> None:
    token = SignInLink.make(owner)
    SignInLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert client.post(SIGN_IN, {"token": token}).status_code == 403
    assert not signed_in(client)


def test_a_link_of_a_user_who_may_no_longer_come_in_does_nothing(
    client: Client, owner: Any
) -> None:
    token = SignInLink.make(owner)
    owner.is_active = False
    owner.save()
    assert client.post(SIGN_IN, {"token": token}).status_code == 403


def test_the_token_stands_in_the_fragment_of_the_link(owner: Any) -> None:
    address, token = link_for(owner).split("#")
    assert address == "http://localhost:8000/sign-in/"
    assert SignInLink.redeem(token) == owner


def test_a_password_signs_in_and_leads_to_the_page_that_was_asked_for(
    client: Client, owner: Any
) -> None:
    asked = client.get("/history/")
    assert asked["Location"] == f"{SIGN_IN}?next=/history/"
    fields = {"username": "owner", "password": "a good long password", "next": "/history/"}
    response = client.post(asked["Location"], fields)
    assert response["Location"] == "/history/"
    assert signed_in(client)


def test_it_leads_to_no_other_site(client: Client, owner: Any) -> None:
    token = SignInLink.make(owner)
    response = client.post(SIGN_IN, {"token": token, "next": "https://example.org/"})
    assert response["Location"] == reverse("talk")


def test_a_wrong_password_is_told(client: Client, owner: Any) -> None:
    response = client.post(SIGN_IN, {"username": "owner", "password": "wrong"})
    assert response.status_code == 200
    assert "correct username and password" in response.content.decode()
    assert not signed_in(client)


def test_the_page_needs_no_sign_in_and_loads_its_script(client: Client, db: None) -> None:
    response = client.get(SIGN_IN)
    assert response.status_code == 200
    assert 'type="module" src="/static/sign-in.js"' in response.content.decode()


@pytest.mark.parametrize("fields", [{"token": "x"}, {"username": "owner", "password": "x"}])
def test_a_form_from_elsewhere_is_refused(owner: Any, fields: dict[str, str]) -> None:
    assert Client(enforce_csrf_checks=True).post(SIGN_IN, fields).status_code == 403


def test_signing_out_takes_a_post(client: Client, owner: Any) -> None:
    client.force_login(owner)
    assert client.get("/sign-out/").status_code == 405
    assert client.post("/sign-out/")["Location"] == SIGN_IN
    assert not signed_in(client)


@pytest.mark.parametrize("page", ["/", "/history/", "/admin/", "/sign-out/"])
def test_every_page_leads_to_signing_in(client: Client, db: None, page: str) -> None:
    response = client.post(page) if page == "/sign-out/" else client.get(page)
    assert response.status_code == 302
    assert "/sign-in/" in response["Location"] or "/admin/login/" in response["Location"]

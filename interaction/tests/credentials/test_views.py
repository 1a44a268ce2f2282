"""The page of keys, as a browser without JavaScript uses it, and as HTMX does."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models.signals import pre_save
from django.test import Client

from interaction.models import Endpoint, ProviderCredential

KEY = "sk-live-0123456789abcdefWXYZ"
HTMX = {"HTTP_HX_REQUEST": "true"}
HOME = {
    "name": "home",
    "base_url": "http://localhost:11434/v1/",
    "llm_models": "llama3.2, qwen3, llama3.2",
    "sample_rate": "24000",
}


def keep(browser: Client, key: str = KEY, **more: Any) -> str:
    """Save an OpenAI key: the page that comes of it."""
    response = browser.post("/settings/keys/openai/", {"key": key}, follow=not more, **more)
    return str(response.content.decode())


def add(browser: Client, **fields: str) -> Any:
    return browser.post("/settings/endpoints/", HOME | fields, follow=True)


def text_of(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_the_page_needs_sign_in(client: Client, db: None) -> None:
    for address in ("/settings/", "/settings/keys/openai/try/"):
        assert client.post(address).status_code == 302


def test_every_page_leads_to_it(at_home: Client) -> None:
    assert 'href="/settings/"' in at_home.get("/").content.decode()


def test_every_provider_that_needs_a_key_is_there_with_its_stages(at_home: Client) -> None:
    text = text_of(at_home.get("/settings/").content.decode())
    for name in ("OpenAI", "Google Gemini", "Anthropic", "Deepgram", "ElevenLabs"):
        assert name in text


def test_a_saved_key_is_told_by_its_last_four_characters_alone(at_home: Client) -> None:
    page = keep(at_home)
    assert "Your key ends in WXYZ" in text_of(page)
    assert KEY not in page
    assert KEY[:-4] not in page


def test_htmx_gets_the_one_part_that_changed(at_home: Client) -> None:
    part = keep(at_home, **HTMX)
    assert part.lstrip().startswith('<li class="key" id="key-openai">')
    assert 'id="said" hx-swap-oob' in part
    assert KEY not in part


def test_fields_for_keys_are_empty_and_remember_nothing(at_home: Client) -> None:
    keep(at_home)
    add(at_home, key=KEY)
    page = at_home.get("/settings/").content.decode()
    fields = re.findall(r"<input[^>]*name=\"key\"[^>]*>", page)
    assert len(fields) >= 7
    for field in fields:
        assert 'type="password"' in field
        assert 'autocomplete="off"' in field
        assert "value=" not in field


def test_a_key_that_was_refused_is_not_written_back(at_home: Client) -> None:
    page = keep(at_home, "sk with spaces WXYZ")
    assert "A key has no spaces" in text_of(page)
    assert "with spaces WXYZ" not in page
    assert not ProviderCredential.objects.exists()


def test_a_short_key_gives_no_hint(at_home: Client) -> None:
    assert "Your key is kept" in text_of(keep(at_home, "shortkey"))


def test_another_key_takes_the_place_of_the_one_before(at_home: Client) -> None:
    keep(at_home)
    assert "ends in 9999" in text_of(keep(at_home, "sk-another-one-of-mine-9999"))
    assert ProviderCredential.objects.get().key == "sk-another-one-of-mine-9999"


def test_a_deleted_key_is_gone(at_home: Client) -> None:
    keep(at_home)
    page = at_home.post("/settings/keys/openai/delete/", follow=True).content.decode()
    assert "The key is deleted." in text_of(page)
    assert not ProviderCredential.objects.exists()


def test_a_provider_that_does_not_exist_keeps_no_key(at_home: Client) -> None:
    assert at_home.post("/settings/keys/nobody/", {"key": KEY}).status_code == 404


def test_what_may_not_be_done_by_a_link_is_not(at_home: Client) -> None:
    keep(at_home)
    for address in ("keys/openai/", "keys/openai/delete/", "keys/openai/try/", "endpoints/"):
        assert at_home.get(f"/settings/{address}").status_code == 405
    assert ProviderCredential.objects.exists()


def test_a_form_of_another_site_changes_nothing(owner: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(owner)
    assert browser.post("/settings/keys/openai/", {"key": KEY}).status_code == 403


def test_an_endpoint_is_kept_with_its_models(at_home: Client) -> None:
    spoken = {"tts_models": "kokoro", "realtime_models": "far-1", "voices": "af_heart"}
    text = text_of(add(at_home, key=KEY, **spoken).content.decode())
    assert "llama3.2, qwen3" in text
    assert "Realtime far-1" in text
    assert "Its key ends in WXYZ" in text
    row = Endpoint.objects.get()
    assert (row.base_url, row.llm_models) == ("http://localhost:11434/v1", ["llama3.2", "qwen3"])
    assert (row.key, row.voices, row.sample_rate) == (KEY, ["af_heart"], 24_000)
    assert row.realtime_models == ["far-1"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"base_url": "ftp://localhost/v1"}, "begins with http:// or https://"),
        ({"base_url": "file:///etc/passwd"}, "begins with http:// or https://"),
        ({"base_url": "http://me:secret@localhost/v1"}, "has no password in it"),
        ({"base_url": "http://local host/v1"}, "begins with http:// or https://"),
        ({"base_url": "http://localhost:99999/v1"}, "begins with http:// or https://"),
        ({"base_url": "http://[::1/v1"}, "begins with http:// or https://"),
        ({"llm_models": " , "}, "Name a model for at least one stage."),
        ({"name": "two words"}, "valid"),
        ({"sample_rate": "1"}, "greater than or equal to 8000"),
    ],
)
def test_an_endpoint_that_cannot_be_is_refused_with_a_reason(
    at_home: Client, fields: dict[str, str], said: str
) -> None:
    response = add(at_home, **fields)
    assert response.status_code == 422
    assert said in text_of(response.content.decode())
    assert not Endpoint.objects.exists()


def test_a_second_endpoint_of_the_same_name_is_refused(at_home: Client) -> None:
    add(at_home)
    assert "You have an endpoint of this name." in text_of(add(at_home).content.decode())


@pytest.mark.parametrize("of", [{}, HTMX], ids=["page", "htmx"])
def test_of_two_endpoints_of_one_name_sent_at_once_the_second_is_refused(
    at_home: Client, owner: User, of: dict[str, Any]
) -> None:
    def other_request(instance: Endpoint, **_: Any) -> None:
        Endpoint.objects.bulk_create([Endpoint(owner=owner, name="home", base_url="http://x/v1")])

    pre_save.connect(other_request, sender=Endpoint)
    try:
        response = at_home.post("/settings/endpoints/", HOME, **of)
    finally:
        pre_save.disconnect(other_request, sender=Endpoint)
    assert response.status_code == (200 if of else 422)
    assert "You have an endpoint of this name." in text_of(response.content.decode())


def test_the_servers_key_is_tried_by_staff_alone(
    at_home: Client, owner: User, settings: Any
) -> None:
    nobody_there = "http://127.0.0.1:9/v1"
    settings.ENV = type(settings.ENV)(openai_api_key=KEY, openai_base_url=nobody_there)
    try_it = "/settings/keys/openai/try/"
    assert try_it not in at_home.get("/settings/").content.decode()
    assert at_home.post(try_it).status_code == 404
    keep(at_home, "sk-of-my-own")
    assert try_it in at_home.get("/settings/").content.decode()
    assert (
        "cannot be reached" in at_home.post(try_it, headers={"HX-Request": "true"}).content.decode()
    )

    at_home.post("/settings/keys/openai/delete/")
    owner.is_staff = True
    owner.save()
    assert try_it in at_home.get("/settings/").content.decode()
    assert (
        "cannot be reached" in at_home.post(try_it, headers={"HX-Request": "true"}).content.decode()
    )


def test_an_endpoints_key_stays_while_its_address_does(at_home: Client) -> None:
    add(at_home, key=KEY)
    row = Endpoint.objects.get()
    at_home.post(f"/settings/endpoints/{row.pk}/", HOME | {"llm_models": "other"})
    row.refresh_from_db()
    assert (row.llm_models, row.key) == (["other"], KEY)
    at_home.post(f"/settings/endpoints/{row.pk}/", HOME | {"base_url": "http://elsewhere/v1"})
    row.refresh_from_db()
    assert (row.base_url, row.key, row.hint) == ("http://elsewhere/v1", "", "")


def test_nobody_else_sees_changes_or_deletes_what_is_mine(
    at_home: Client, stranger: User, client: Client
) -> None:
    keep(at_home)
    add(at_home)
    row = Endpoint.objects.get()
    other = Client()
    other.force_login(stranger)
    page = other.get("/settings/").content.decode()
    assert "WXYZ" not in page
    assert "11434/v1<" not in page
    for act in ("", "delete/", "try/"):
        assert other.post(f"/settings/endpoints/{row.pk}/{act}", HOME).status_code == 404
    other.post("/settings/keys/openai/delete/")
    assert ProviderCredential.objects.exists()


def test_the_servers_key_and_endpoints_are_told_without_their_secrets(
    at_home: Client, settings: Any
) -> None:
    settings.ENV = type(settings.ENV)(
        openai_api_key="sk-of-the-server",
        parley_endpoints=[
            {
                "name": "shared",
                "base_url": "http://inner.example/v1",
                "api_key": "sk-of-the-endpoint",
                "models": {"llm": ["qwen3"]},
            }
        ],
    )
    page = at_home.get("/settings/").content.decode()
    assert "The server's key serves everybody" in text_of(page).replace("&#x27;", "'")
    assert "shared" in page
    assert "qwen3" in page
    for secret in ("sk-of-the-server", "sk-of-the-endpoint", "inner.example"):
        assert secret not in page

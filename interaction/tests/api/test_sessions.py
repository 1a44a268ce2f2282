"""REST: who is let in, and sessions that are created. What was kept: history/tests/test_rest.py."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client as Browser

from interaction.tests.edges.client import validator

SESSIONS = "/api/v1/interaction/sessions"


@pytest.fixture
def program(token: str) -> Browser:
    return Browser(headers={"authorization": f"Bearer {token}"})


class TestAccess:
    @pytest.mark.parametrize("path", [SESSIONS, "/api/v1/openapi.json"])
    def test_without_sign_in_nothing_is_answered(self, db: None, path: str) -> None:
        response = Browser().get(path)
        assert response.status_code == 401
        validator("api_error").validate(response.json())

    def test_a_wrong_token_is_refused_whatever_cookie_comes_with_it(self, owner: Any) -> None:
        browser = Browser(headers={"authorization": "Bearer pt_wrong"})
        browser.force_login(owner)
        assert browser.get(SESSIONS).status_code == 401

    def test_a_signed_in_page_may_read_and_needs_a_csrf_token_to_write(self, owner: Any) -> None:
        browser = Browser(enforce_csrf_checks=True)
        browser.force_login(owner)
        assert browser.get(SESSIONS).status_code == 200
        refused = browser.post(SESSIONS, {}, content_type="application/json")
        assert refused.status_code == 403
        assert refused.json()["error"]["code"] == "csrf_failed"
        browser.get("/sign-in/")
        key = browser.cookies["csrftoken"].value
        made = browser.post(
            SESSIONS, {}, content_type="application/json", headers={"x-csrftoken": key}
        )
        assert made.status_code == 201

    def test_openapi_is_served(self, program: Browser) -> None:
        document = program.get("/api/v1/openapi.json").json()
        assert "/api/v1/orchestrator" in document["paths"]
        assert f"{SESSIONS}/{{session_id}}" in document["paths"]


class TestCreate:
    def test_a_session_is_made_with_its_effective_settings(self, program: Browser) -> None:
        wanted = {"title": "Mine", "providers": {"llm": {"name": "echo"}}, "recording": False}
        response = program.post(SESSIONS, wanted, content_type="application/json")
        assert response.status_code == 201
        made = response.json()
        validator("created_session").validate(made)
        assert (made["title"], made["status"], made["recording"]) == ("Mine", "created", False)
        assert made["settings"]["providers"]["llm"]["name"] == "echo"
        assert made["settings"]["providers"]["tts"]["name"]
        kept = program.get(f"{SESSIONS}/{made['id']}").json()
        assert made == kept | {"warnings": []}

    @pytest.mark.parametrize(
        ("wanted", "code", "named"),
        [
            ({"input_sample_rate": 1}, "invalid_fields", "input_sample_rate"),
            ({"colour": "la la"}, "invalid_fields", "colour"),
            ({"providers": {"tts": {"name": "la"}}}, "unknown_provider", "providers.tts.name"),
        ],
    )
    def test_wrong_fields_are_named(
        self, program: Browser, wanted: dict[str, Any], code: str, named: str
    ) -> None:
        response = program.post(SESSIONS, wanted, content_type="application/json")
        assert response.status_code == 422
        validator("api_error").validate(response.json())
        error = response.json()["error"]
        assert error["code"] == code
        assert named in error["message"]
        assert "la la" not in error["message"]

"""What every answer carries."""

from __future__ import annotations

from typing import Any

from django.test import Client

LONG = {"CONTENT_LENGTH": str(10**12)}


def test_every_answer_has_a_content_security_policy_and_no_frame(client: Client) -> None:
    response = client.get("/api/v1/health")
    assert "default-src 'self'" in response["Content-Security-Policy"]
    assert "unsafe-inline" not in response["Content-Security-Policy"].split("style-src-attr")[0]
    assert response["X-Frame-Options"] == "DENY"


def test_static_files_are_served_without_collecting_or_signing_in(client: Client) -> None:
    response = client.get("/static/sign-in.js")
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/javascript")
    assert b"signInByLink" in response.content
    unchanged = client.get(
        "/static/sign-in.js", headers={"if-modified-since": response["Last-Modified"]}
    )
    assert (unchanged.status_code, unchanged.content) == (304, b"")


def test_a_body_that_is_too_long_is_refused_with_the_limit(client: Client, settings: Any) -> None:
    settings.ENV = settings.ENV.model_copy(update={"parley_max_upload_mb": 64})
    api = client.post("/api/v1/orchestrator", **LONG)  # type: ignore[arg-type]
    assert api.status_code == 413
    assert api.json()["error"]["code"] == "too_large"
    assert "64 MB" in api.json()["error"]["message"]
    page = client.post("/sign-in/", **LONG)  # type: ignore[arg-type]
    assert (page.status_code, page["Content-Type"]) == (413, "text/plain; charset=utf-8")

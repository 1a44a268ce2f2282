"""What every answer carries."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.utils import timezone

from history.templatetags.clock import moment
from voiceproject.middleware import TIME_ZONE_COOKIE, times_are_the_viewers

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
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
    assert (page.status_code, page["Content-Type"]) == (413, "text/html; charset=utf-8")
    assert "64 MB" in page.content.decode()


@pytest.mark.parametrize(
    ("cookie", "shown"),
    [
        ("Asia/Taipei", "25 Nov 2026, 20:00"),
        ("America/Los_Angeles", "25 Nov 2026, 04:00"),
        ("Asia/Kathmandu", "25 Nov 2026, 17:45"),
        ("Pacific/Kiritimati", "26 Nov 2026, 02:00"),
        # No zone at all: the server's.
        *((wrong, "25 Nov 2026, 12:00") for wrong in ("", "Mars/Olympus", "Etc/Unknown")),
        *((wrong, "25 Nov 2026, 12:00") for wrong in ("../../etc/passwd", "/etc/localtime")),
        *(
            (wrong, "25 Nov 2026, 12:00")
            for wrong in ("asia/taipei", "A" * 4_000, "+08:00", "zone.tab")
        ),
    ],
)
def test_times_are_shown_in_the_viewers_zone(
    rf: RequestFactory, settings: Any, cookie: str, shown: str
) -> None:
    settings.TIME_ZONE = "UTC"
    show = times_are_the_viewers(lambda request: HttpResponse(moment(NOON)))
    request = rf.get("/")
    request.COOKIES[TIME_ZONE_COOKIE] = cookie
    assert show(request).content.decode() == shown  # type: ignore[attr-defined]
    assert timezone.get_current_timezone_name() == "UTC", "for this answer alone"


@pytest.mark.parametrize(
    ("current", "leads_back_to"),
    [
        ("http://testserver/settings/?x=1", "%2Fsettings%2F%3Fx%3D1"),
        ("https://elsewhere.example/settings/", "%2F"),
        ("", "%2F"),
    ],
)
def test_whoever_is_signed_out_is_sent_to_sign_in_whole_page_and_back(
    client: Client, db: None, current: str, leads_back_to: str
) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": current}
    response = client.post("/settings/keys/openai/", headers=headers)
    assert response["HX-Redirect"] == f"/sign-in/?next={leads_back_to}"
    assert response.content == b""
    assert client.get("/settings/").status_code == 302, "without HTMX it is a redirect as ever"

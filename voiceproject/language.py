"""The language of the pages, as a person chooses it: a cookie, before what the browser asks for.

Whoever is signed in or not, on any page, without scripts.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import check_for_language
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

A_YEAR = 365 * 24 * 3600


LONGEST_ADDRESS = 400
"""Characters of an address that a page repeats: beyond it, the browser's own account must do."""


def address(request: HttpRequest) -> dict[str, Any]:
    """Context of every page: ``address``, where one is, to come back to; empty where that was a
    form."""
    here = request.get_full_path() if request.method in ("GET", "HEAD") else ""
    return {"address": here if len(here) <= LONGEST_ADDRESS else ""}


@login_not_required
@csrf_exempt  # it changes nothing that is anybody's, and pages of errors have no token
@require_POST
def choose_language(request: HttpRequest) -> HttpResponse:
    """POST ``language``, one of ``LANGUAGES``, and ``next``, the page to go back to; without it,
    the page that this came from. An unknown language changes nothing."""
    response = HttpResponseRedirect(_back(request))
    response.status_code = 303
    language = request.POST.get("language", "")
    if language in dict(settings.LANGUAGES) and check_for_language(language):
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            language,
            max_age=A_YEAR,
            secure=settings.ENV.https,
            samesite="Lax",
        )
    return response


def _back(request: HttpRequest) -> str:
    """An address of this site alone."""
    asked = request.POST.get("next", "")
    if asked.startswith("/") and url_has_allowed_host_and_scheme(asked, allowed_hosts=None):
        return asked
    came_from = request.headers.get("Referer", "")
    if url_has_allowed_host_and_scheme(came_from, {request.get_host()}):
        parts = urlsplit(came_from)
        return f"{parts.path}?{parts.query}" if parts.query else parts.path
    return reverse("talk")

"""The page *Status*, and the readiness of the parts on the voice page's first screen."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe
from django_htmx.middleware import HtmxDetails

from interaction.voice_page import part_states
from voiceproject import health
from voiceproject.status.document import ProvidersNow
from voiceproject.status.minutes_picture import minutes_table, picture
from voiceproject.status.now import status_for


@require_safe
@login_not_required
def parts(request: HttpRequest) -> HttpResponse:
    """The parts of the installation and their states; the voice page asks for them every so often.

    Answers 401 rather than with the sign-in page, which would land in the middle of the other.
    """
    if not request.user.is_authenticated:
        return HttpResponse(status=401)
    return render(request, "interaction/_parts.html", _parts(request))


def _parts(request: HttpRequest) -> dict[str, object]:
    ready = health.ready(request).value
    return {"ready": ready.status == "ok", "parts": part_states(ready.parts)}


@require_safe
def status_page(request: HttpRequest) -> HttpResponse:
    """What goes on now. Asked by HTMX, as the page does every few seconds, without its frame."""
    status = status_for(request.user)
    context: dict[str, object] = {"status": status}
    if not status.everyone:
        context |= _parts(request)
    if status.providers:
        context |= _pictures(status.providers)
    details = HtmxDetails(request)
    partial = bool(details) and not details.history_restore_request
    name = "status/_now.html" if partial else "status/status.html"
    response = render(request, name, context)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _pictures(providers: ProvidersNow) -> dict[str, object]:
    return {
        "rows": [(one, picture(one, providers.minute)) for one in providers.series],
        "by_minute": minutes_table(providers),
        "failed_today": any(one.day.errors for one in providers.series),
    }

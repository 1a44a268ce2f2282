"""The voice page, and the part of it that fetches better speech recognition."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_safe

from interaction.api.models import may_fetch, start_fetch
from interaction.better_ears import better_ears_context
from interaction.providers.local.moonshine.models import MODELS
from interaction.voice_page import talk_context


@require_safe
def talk(request: HttpRequest) -> HttpResponse:
    return render(request, "interaction/talk.html", talk_context(request))


@require_http_methods(["GET", "POST"])
@login_not_required
def better_ears(request: HttpRequest) -> HttpResponse:
    """What could be fetched to recognise the chosen language better, for those who may; a POST with
    a model's name begins.

    Answers 401 rather than with the sign-in page, which would land in the middle of the other.
    """
    if not request.user.is_authenticated:
        return HttpResponse(status=401)
    if not may_fetch(request.user):
        return HttpResponse()
    asked = {**request.GET.dict(), **request.POST.dict()}
    fetching = asked.get("fetching", "")
    if request.method == "POST" and (model := MODELS.get(asked.get("model", ""))):
        start_fetch(model)
        fetching = model.name
    context = better_ears_context(asked.get("language", ""), fetching, begun=bool(request.POST))
    return render(request, "interaction/_better_ears.html", context)

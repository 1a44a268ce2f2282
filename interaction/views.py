"""The voice page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from interaction.voice_page import talk_context


@require_safe
def talk(request: HttpRequest) -> HttpResponse:
    return render(request, "interaction/talk.html", talk_context(request))

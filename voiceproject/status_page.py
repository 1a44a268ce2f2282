"""What a conversation needs and whether it is there, as the voice page shows it."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from interaction.voice_page import part_states
from voiceproject import health


@require_safe
@login_not_required
def parts(request: HttpRequest) -> HttpResponse:
    """The parts of the installation and their states; the voice page asks for them every so often.

    Answers 401 rather than with the sign-in page, which would land in the middle of the other.
    """
    if not request.user.is_authenticated:
        return HttpResponse(status=401)
    ready = health.ready(request).value
    context = {"ready": ready.status == "ok", "parts": part_states(ready.parts)}
    return render(request, "interaction/_parts.html", context)

"""The page *Latency*: figures over any selection of one's conversations."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from history.filters import SessionFilter, SessionFilterForm
from history.latency.columns import select
from history.latency.overview import overview_of
from history.views import HttpRequest
from interaction.api.door import refuse_unknown


@require_safe
def latency(request: HttpRequest) -> HttpResponse:
    """Query parameters: the fields of ``SessionFilter``."""
    refuse_unknown(request.GET, list(SessionFilter.model_fields))
    form = SessionFilterForm(request.GET)
    wanted = form.session_filter()
    context = {
        "overview": overview_of(select(request.user, wanted)),
        "form": form,
        "narrowed": wanted != SessionFilter(),
    }
    return render(request, "history/latency.html", context)

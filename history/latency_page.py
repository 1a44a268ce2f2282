"""The page *Latency*: figures over any selection of one's conversations."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from history.filters import SessionFilter, SessionFilterForm
from history.latency.columns import select
from history.latency.overview import overview_of
from history.offers import Offers
from history.views import HttpRequest, found
from interaction.api.door import refuse_unknown


@require_safe
def latency(request: HttpRequest) -> HttpResponse:
    """Query parameters: the fields of ``SessionFilter``.

    Asked by HTMX, it answers with the figures alone.
    """
    refuse_unknown(request.GET, list(SessionFilter.model_fields))
    form = SessionFilterForm(request.GET, Offers(request.user))
    wanted = form.session_filter()
    context = {
        "overview": overview_of(select(request.user, wanted)),
        "form": form,
        "narrowed": wanted != SessionFilter(),
        "chips": form.chips(wanted, {}),
        "unfiltered": reverse("history:latency"),
        "here": f"{request.path}{wanted.query()}",
    }
    return found(request, "history/latency.html", "history/_latency_found.html", context)

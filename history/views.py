"""The archive as pages: a list of conversations, and one conversation."""

from __future__ import annotations

from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpRequest as PlainRequest
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe
from django_htmx.middleware import HtmxDetails

from history.filters import SessionFilter, SessionFilterForm
from history.queries import longest_ms, median_ms, sessions_of, turns_of, with_summaries
from interaction.api.door import refuse_unknown

SESSIONS_A_PAGE = 25


class HttpRequest(PlainRequest):
    htmx: HtmxDetails


@require_safe
def session_list(request: HttpRequest) -> HttpResponse:
    """Query parameters: the fields of ``SessionFilter``, and ``page``, which counts from 1.

    Asked by HTMX, it answers with the rows alone.
    """
    refuse_unknown(request.GET, [*SessionFilter.model_fields, "page"])
    form = SessionFilterForm(request.GET)
    wanted = form.session_filter()
    found = wanted.filter(with_summaries(sessions_of(request.user)))
    page = Paginator(found, SESSIONS_A_PAGE).get_page(request.GET.get("page"))
    template = "history/_rows.html" if request.htmx else "history/list.html"
    context = {
        "page": page,
        "sessions": page.object_list,
        "form": form,
        "narrowed": wanted != SessionFilter(),
    }
    return render(request, template, context)


@require_safe
def session_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    session = get_object_or_404(with_summaries(sessions_of(request.user)), pk=pk)
    turns = list(turns_of(session))
    context = {
        "session": session,
        "turns": turns,
        "longest": longest_ms(turns),
        "median": median_ms(turns),
    }
    return render(request, "history/detail.html", context)

"""The archive as pages: a list of conversations, and one conversation."""

from __future__ import annotations

from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpRequest as PlainRequest
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe
from django_htmx.middleware import HtmxDetails

from history.conversation_page import metric_labels, page_of, turns_of_page
from history.filters import SessionFilter, SessionFilterForm
from history.forms import AnnotationForm
from history.hearing.axis import lay_out_turns
from history.models import TurnAnnotation
from history.queries import sessions_of, turns_of, with_summaries
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
    """Query parameter ``from``: the number of the first turn to show.

    Asked by HTMX, it answers with that many more turns alone.
    """
    session = get_object_or_404(with_summaries(sessions_of(request.user)), pk=pk)
    first = first_turn(request)
    turns = list(turns_of(session))
    if request.htmx:
        return render(request, "history/_turns.html", turns_of_page(session, turns, first))
    return render(request, "history/detail.html", page_of(session, turns, first))


def first_turn(request: PlainRequest) -> int:
    """The number of the first turn to show, as the query parameter ``from`` says it."""
    wanted = request.GET.get("from", "")
    return int(wanted) if wanted.isdecimal() and len(wanted) < 10 else 1


@require_safe
def session_figures(request: HttpRequest, pk: UUID) -> HttpResponse:
    session = get_object_or_404(sessions_of(request.user), pk=pk)
    turns = session.turns.select_related("latency")
    context = {
        "session": session,
        "placed_turns": lay_out_turns(turns).turns,
        "metrics": metric_labels(),
    }
    return render(request, "history/figures.html", context)


@require_POST
def annotate(request: HttpRequest, pk: UUID, turn_pk: UUID) -> HttpResponse:
    """The form of a turn: ``note``, or ``rating`` (``up``, ``down``; empty: none), or both.

    HTMX gets the form anew, everyone else the page, at the turn.
    """
    session = get_object_or_404(sessions_of(request.user), pk=pk)
    turn = get_object_or_404(session.turns.select_related("annotation"), pk=turn_pk)
    form = AnnotationForm(request.POST)
    if form.is_valid():
        TurnAnnotation.write(turn, **form.given())
        if not request.htmx:
            return redirect(f"{reverse('history:detail', args=[pk])}#turn-{turn.sequence}")
    status = 200 if form.is_valid() else 422
    context = {"session": session, "turn": turn, "form": form, "alone": not request.htmx}
    template = "history/_annotation.html" if request.htmx else "history/annotation.html"
    return render(request, template, context, status=status)

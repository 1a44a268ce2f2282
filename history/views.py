"""The archive as pages: a list of conversations, and one conversation."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest as PlainRequest
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import push_url
from django_htmx.middleware import HtmxDetails

from history.conversation_page import metric_labels, page_of, turns_of_page
from history.filters import SessionFilter, SessionFilterForm
from history.forms import AnnotationForm
from history.hearing.axis import lay_out_turns
from history.listing import Page, nearest_page_of, rows_of, scale_of
from history.models import TurnAnnotation
from history.offers import Offers
from history.ordering import SORTS, Ordering
from history.queries import sessions_of, turns_of, with_summaries
from interaction.api.door import refuse_unknown


class HttpRequest(PlainRequest):
    htmx: HtmxDetails


@require_safe
def session_list(request: HttpRequest) -> HttpResponse:
    """Query parameters: the fields of ``SessionFilter``, ``sort``, and ``page``, counted from 1.

    Asked by HTMX, it answers with what was found alone.
    """
    refuse_unknown(request.GET, [*SessionFilter.model_fields, "sort", "page"])
    form = SessionFilterForm(request.GET, Offers(request.user))
    wanted = form.session_filter()
    ordering = Ordering.of(request.GET.get("sort", ""))
    page = nearest_page_of(request.user, wanted, ordering, request.GET.get("page"))
    rows = rows_of(page.ids, wanted.text)
    query = wanted.query(**ordering.parameters())
    here = f"{request.path}{wanted.query(**ordering.parameters(), page=_beyond_first(page))}"
    context = {
        "page": page,
        "rows": rows,
        "scale": scale_of(rows),
        "form": form,
        "narrowed": wanted != SessionFilter(),
        "query": query,
        "chips": form.chips(wanted, ordering.parameters()),
        "sorts": _sorts(wanted, ordering),
        "pages": _neighbours(page, wanted, ordering),
        "here": here,
        "unfiltered": reverse("history:list"),
    }
    return found(request, "history/list.html", "history/_found.html", context)


def found(request: HttpRequest, whole: str, part: str, context: dict[str, Any]) -> HttpResponse:
    """What a filter finds: a page of the template ``whole``, or, asked by HTMX, its ``part`` alone.

    ``context``: ``here`` is its address.
    """
    partial = bool(request.htmx) and not request.htmx.history_restore_request
    response = render(request, part if partial else whole, context | {"partial": partial})
    patch_vary_headers(response, ["HX-Request"])
    return push_url(response, context["here"]) if partial else response


def _beyond_first(page: Page) -> int | None:
    return page.number if page.number > 1 else None


def _sorts(wanted: SessionFilter, ordering: Ordering) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "label": label,
            "query": wanted.query(**Ordering.of(name).parameters()) or "?",
            "current": name == ordering.sort,
        }
        for name, (label, _columns) in SORTS.items()
    ]


def _neighbours(page: Page, wanted: SessionFilter, ordering: Ordering) -> dict[str, str]:
    """The queries of the first, previous, next and last page, where there are such."""
    numbers = {
        "first": 1 if page.number > 2 else None,
        "previous": page.number - 1 if page.number > 1 else None,
        "next": page.number + 1 if page.number < page.last else None,
        "last": page.last if page.number < page.last - 1 else None,
    }
    return {
        name: wanted.query(**ordering.parameters(), page=number if number > 1 else None) or "?"
        for name, number in numbers.items()
        if number
    }


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

"""The figures that come at the end of a conversation, into the voice page."""

from __future__ import annotations

from uuid import UUID

from django import forms
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from history.queries import sessions_of, turns_of, with_summaries
from history.views import HttpRequest
from interaction.api.door import refuse_unknown
from interaction.models import Session

MOST_LOOKS = 20
"""Looks, 0.7 s apart, after which the figures come without the turns that are missing."""


class Awaited(forms.Form):
    turns = forms.IntegerField(required=False, min_value=0, max_value=1_000_000)
    """How many turns the conversation had."""
    looks = forms.IntegerField(required=False, min_value=0, max_value=1_000)
    """How many times it was looked before."""


@require_safe
def end_card(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Query parameters: those of ``Awaited``. Until so many turns are archived and the session has
    ended, it answers with a line that asks again.

    Without HTMX it leads to the conversation's page, whose head these figures are.
    """
    refuse_unknown(request.GET, list(Awaited.base_fields))
    session = get_object_or_404(with_summaries(sessions_of(request.user)), pk=pk)
    if not request.htmx:
        return redirect("history:detail", pk)
    asked = Awaited(request.GET)
    wanted = asked.cleaned_data if asked.is_valid() else {}
    looks, turns = wanted.get("looks") or 0, list(turns_of(session))
    missing = max(0, (wanted.get("turns") or 0) - len(turns))
    if (missing or session.status != Session.Status.ENDED) and looks < MOST_LOOKS:
        again = f"turns={wanted.get('turns') or 0}&looks={looks + 1}"
        next_look = f"{reverse('history:end_card', args=[pk])}?{again}"
        return render(
            request, "history/_figures_awaited.html", {"session": session, "next": next_look}
        )
    context = {"session": session, "turns": turns, "missing": missing}
    return render(request, "history/_figures_of.html", context)

"""Share links: the page on which a person makes and revokes them, and what they open."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, Concatenate, ParamSpec
from uuid import UUID

from django import forms
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe

from history.api import ranges
from history.api.hearing import waveform_of, whole_recording
from history.conversation_page import page_of, turns_of_page
from history.hearing.axis import lay_out_turns
from history.models import ShareLink
from history.queries import sessions_of, turns_of, with_summaries
from history.views import first_turn
from interaction.api.errors import ApiError
from interaction.models import Session, Turn
from interaction.turn_records.archive import CLOCK_COLUMNS

P = ParamSpec("P")
LASTS = {"1": _("A day"), "7": _("A week"), "30": _("A month"), "": _("Until I revoke it")}
"""Days for which a link opens, as the page offers them."""


class ShareForm(forms.Form):
    what = forms.ChoiceField(label=_("What it shows"), required=False)
    days = forms.ChoiceField(label=_("How long it opens"), required=False, initial="7")

    def __init__(self, session: Session, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._session = session
        turns = session.turns.order_by("sequence")
        one_turn = [
            (str(turn.pk), _("Turn %(number)d alone: %(words)s") % _called(turn)) for turn in turns
        ]
        fields: Any = self.fields
        fields["what"].choices = [("", _("The whole conversation")), *one_turn]
        fields["days"].choices = list(LASTS.items())

    def make(self) -> tuple[ShareLink, str]:
        """The link that was asked for, and its secret."""
        chosen, days = self.cleaned_data["what"], self.cleaned_data["days"]
        turn = self._session.turns.get(pk=chosen) if chosen else None
        return ShareLink.make(self._session, turn, timedelta(days=int(days)) if days else None)


def _called(turn: Turn) -> dict[str, Any]:
    words = " ".join((turn.transcript or turn.reply).split())
    return {"number": turn.sequence, "words": words[:40] + ("…" if len(words) > 40 else "")}


@require_http_methods(["GET", "HEAD", "POST"])
def share(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The links of one conversation; POST ``what`` and ``days`` makes another, whose address is in
    this answer alone."""
    session = get_object_or_404(with_summaries(sessions_of(request.user)), pk=pk)
    form = ShareForm(session, request.POST or None)
    address = ""
    if request.method == "POST" and form.is_valid():
        _link, secret = form.make()
        address = request.build_absolute_uri(reverse("shared", args=[secret]))
        form = ShareForm(session)
    links = session.share_links.select_related("turn")
    context = {"session": session, "form": form, "address": address, "links": links}
    response = render(request, "history/share.html", context)
    response["Cache-Control"] = "no-store"
    return response


def opened_by_secret(
    view: Callable[Concatenate[HttpRequest, ShareLink, P], HttpResponseBase],
) -> Callable[..., HttpResponseBase]:
    """A view for people without an account, which gets the link that the secret in its address
    opens: 404 where there is none (any more). The address goes to no other site and stays in no
    cache."""

    @login_not_required
    @require_safe
    @wraps(view)
    def opened(
        request: HttpRequest, secret: str, *args: P.args, **kwargs: P.kwargs
    ) -> HttpResponseBase:
        link = ShareLink.opened_by(secret)
        if link is None:
            raise Http404
        response = view(request, link, *args, **kwargs)
        response["Referrer-Policy"] = "no-referrer"
        response["Cache-Control"] = "private, no-store"
        response["X-Robots-Tag"] = "noindex, nofollow"
        return response

    return opened


@opened_by_secret
def shared(request: HttpRequest, link: ShareLink) -> HttpResponse:
    """The conversation, or the one turn, as its owner sees it: read only, without the prompt and
    the owner's notes. Query parameter ``from``, and HTMX: as with ``views.session_detail``."""
    session = get_object_or_404(with_summaries(sessions_of(link.owner_id)), pk=link.session_id)
    turns = _shown(link)
    # On this page alone, and never saved.
    session.system_prompt = ""
    if link.turn_id is not None:
        _be_of(session, turns)
    first = first_turn(request)
    if getattr(request, "htmx", False):
        context = turns_of_page(session, turns, first) | {"shared": link}
        return render(request, "history/_turns.html", context)
    context = page_of(session, turns, first) | {"shared": link}
    if context["recorded"]:
        secret = request.resolver_match.kwargs["secret"]  # type: ignore[union-attr]
        context["conversation"]["waveform"] = reverse("shared_waveform", args=[secret])
    return render(request, "history/detail.html", context)


@opened_by_secret
def shared_audio(request: HttpRequest, link: ShareLink, turn_id: UUID, side: str) -> HttpResponse:
    """A recording of what the link shows: as the owner's, with ``Range``."""
    if side not in ("user", "agent") or link.turn_id not in (None, turn_id):
        raise Http404
    turn = get_object_or_404(Turn, pk=turn_id, session=link.session_id)
    file = turn.audio(side)
    if not file:
        raise Http404
    return ranges.serve(file, request.headers.get("Range"), "audio/wav")


@opened_by_secret
def shared_session_audio(request: HttpRequest, link: ShareLink, form: Any) -> HttpResponseBase:
    """The whole of what the link shows, as one recording: as the owner's."""
    if form not in ("wav", "flac"):
        raise Http404
    try:
        return whole_recording(request, link.session, _shown(link), form)
    except ApiError as error:
        raise Http404 from error


@opened_by_secret
def shared_waveform(request: HttpRequest, link: ShareLink) -> HttpResponse:
    return JsonResponse(waveform_of(_shown(link)).model_dump(mode="json"))


def _shown(link: ShareLink) -> list[Turn]:
    """The turns that the link shows; one alone begins at the beginning of the axis."""
    turns = list(turns_of(link.session))
    if link.turn_id is None:
        return turns
    [turn] = [turn for turn in turns if turn.pk == link.turn_id]
    [placed] = lay_out_turns([turn]).turns
    for column in CLOCK_COLUMNS:
        at = getattr(turn, column)
        setattr(turn, column, None if at is None else max(0, at - placed.start))
    return [turn]


def _be_of(session: Any, turns: list[Turn]) -> None:
    """Make a session's row tell of these turns alone: its title, its beginning and its counts would
    tell of the others."""
    session.title = ""
    session.opening = turns[0].transcript if turns else ""
    session.duration = None
    session.turn_count = len(turns)
    session.interrupted_count = sum(turn.interrupted for turn in turns)

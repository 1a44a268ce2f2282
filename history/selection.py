"""What is done to the conversations that were chosen on the list, and the deletion of one: always
with a page that says what goes, before it goes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from history import batches, selections
from history.deletion import erase, what_goes
from history.export.formats import FORMATS
from history.models import Batch
from history.queries import sessions_of
from interaction.api.door import RequestRefused


@require_POST
def selection(request: HttpRequest) -> HttpResponse:
    """POST ``do`` (delete or export, then with ``format``); ``session`` of each that is chosen, or
    ``all`` for what the filter finds: that of this address's query, or of the field ``query``."""
    query = QueryDict(request.POST.get("query") or request.META.get("QUERY_STRING", ""))
    session_ids = selections.posted(request.user, request.POST, query)
    if not session_ids:
        messages.info(request, _("Choose at least one conversation first."))
        return redirect("history:list")
    match request.POST.get("do"):
        case "delete":
            batch = Batch.draft(request.user, session_ids)
            act = reverse("history:confirm", args=[batch.pk])
            return _confirm(request, session_ids, act, reverse("history:list"))
        case "export":
            form = request.POST.get("format", "zip")
            if form not in FORMATS:
                raise RequestRefused(400, "bad_request", _("There is no such format."))
            batches.start(Batch.of(request.user, Batch.Kind.EXPORT, session_ids, format=form))
            messages.success(
                request, _("The export is being made. It appears here when it is ready.")
            )
            return redirect("history:data")
    raise RequestRefused(400, "bad_request", _("There is no such action."))


@require_POST
def confirm(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Let a deletion begin that was shown."""
    batch = get_object_or_404(Batch.objects.owned_by(request.user), pk=pk, kind=Batch.Kind.DELETE)
    if batch.confirm():
        batches.start(batch)
        batch.refresh_from_db()
    if not batch.is_over:
        messages.info(request, _("The conversations are being deleted."))
        return redirect("history:data")
    _say_deleted(request, batch.affected, batch.total - batch.affected)
    return redirect("history:list")


@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One conversation: what goes, and on POST it goes."""
    session = get_object_or_404(sessions_of(request.user), pk=pk)
    here = reverse("history:detail", args=[pk])
    if request.method != "POST":
        return _confirm(request, [pk], request.path, here)
    erased = erase([session.pk])
    _say_deleted(request, erased, 1 - erased)
    return redirect("history:list") if erased else HttpResponseRedirect(here)


@require_POST
def drop_batch(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Stop a batch, or let go of an export's file."""
    get_object_or_404(Batch.objects.owned_by(request.user), pk=pk).delete()
    return redirect("history:data")


def _confirm(request: HttpRequest, session_ids: list[UUID], action: str, back: str) -> HttpResponse:
    context: dict[str, Any] = {"goes": what_goes(session_ids), "action": action, "back": back}
    return render(request, "history/confirm_delete.html", context)


def _say_deleted(request: HttpRequest, erased: int, left: int) -> None:
    if erased:
        text = ngettext(
            "%(count)d conversation is deleted.", "%(count)d conversations are deleted.", erased
        )
        messages.success(request, text % {"count": erased})
    if left:
        text = ngettext(
            "%(count)d conversation is in progress, or was gone already: end it first.",
            "%(count)d conversations are in progress, or were gone already: end them first.",
            left,
        )
        messages.warning(request, text % {"count": left})

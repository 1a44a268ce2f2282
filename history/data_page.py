"""The page *Your data*: exports and deletions, share links, and how long conversations are kept."""

from __future__ import annotations

from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from history import consent
from history.export.formats import FORMATS
from history.models import Batch, Retention, ShareLink
from history.queries import sessions_of
from history.retention import due


class RetentionForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Retention
        fields = ("days", "megabytes")


@require_http_methods(["GET", "HEAD", "POST"])
def data(request: HttpRequest) -> HttpResponse:
    """POST ``days`` and ``megabytes``: the person's own limits."""
    form = RetentionForm(request.POST or None, instance=Retention.of(request.user))
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(
            request, _("The limits are kept. What they concern is deleted within minutes.")
        )
        return redirect("history:data")
    context = _batches(request) | {
        "form": form,
        "links": ShareLink.objects.owned_by(request.user).select_related("session", "turn"),
        "server_days": settings.ENV.parley_keep_days,
        "server_megabytes": settings.ENV.parley_keep_mb,
        "due": len(due(request.user)),
        "formats": FORMATS,
    }
    return render(request, "history/data.html", context, status=400 if form.errors else 200)


@require_safe
def batch_list(request: HttpRequest) -> HttpResponse:
    """The batches alone, for HTMX to draw anew while one goes on."""
    return render(request, "history/_batches.html", _batches(request))


@require_http_methods(["GET", "HEAD", "POST"])
def recording(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Of one conversation: what taking the consent back means, and on POST it is taken back."""
    session = get_object_or_404(sessions_of(request.user), pk=pk)
    if request.method == "POST":
        consent.revoke(session)
        messages.success(request, _("Its recordings are deleted; words and figures stay."))
        return redirect("history:detail", pk)
    return render(request, "history/confirm_revoke.html", {"session": session})


@require_POST
def revoke_link(request: HttpRequest, pk: UUID) -> HttpResponse:
    link = get_object_or_404(ShareLink.objects.owned_by(request.user), pk=pk)
    link.revoke()
    messages.success(request, _("The link opens nothing any more."))
    if request.POST.get("back") == "session":
        return redirect("history:share", link.session_id)
    return redirect("history:data")


def _batches(request: HttpRequest) -> dict[str, object]:
    rows = list(Batch.objects.owned_by(request.user).confirmed().defer("sessions"))
    return {"batches": rows, "goes_on": any(not batch.is_over for batch in rows)}

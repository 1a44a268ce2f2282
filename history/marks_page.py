"""What a person writes on a conversation: its title, tags, a star. Forms that work without scripts;
HTMX gets back the part of the row that changed."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django import forms
from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from history.listing import rows_of
from history.marks import mark
from history.models.marks import LONGEST_TAG, MOST_TAGS
from history.queries import sessions_of
from history.views import HttpRequest
from interaction.models import Session


class MarksForm(forms.Form):
    title = forms.CharField(
        label=_("Title"),
        max_length=200,
        required=False,
        widget=forms.TextInput(attrs={"dir": "auto", "autofocus": True}),
    )
    tags = forms.CharField(
        label=_("Tags, with commas between them"),
        max_length=MOST_TAGS * (LONGEST_TAG + 2),
        required=False,
        widget=forms.TextInput(attrs={"dir": "auto"}),
    )

    def clean_tags(self) -> list[str]:
        written = self.cleaned_data["tags"].replace("，", ",").replace("、", ",").split(",")
        names = [name for part in written if (name := " ".join(part.split()))]
        if len(names) > MOST_TAGS or any(len(name) > LONGEST_TAG for name in names):
            raise forms.ValidationError(
                _("At most %(tags)d tags, of at most %(letters)d characters each."),
                params={"tags": MOST_TAGS, "letters": LONGEST_TAG},
            )
        return names


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, pk: UUID) -> HttpResponse:
    """POST ``title``, ``tags`` (with commas) and ``next``, the page to go back to."""
    session = get_object_or_404(sessions_of(request.user), pk=pk)
    if request.method != "POST":
        names = session.tags.values_list("name", flat=True)
        form = MarksForm(initial={"title": session.title, "tags": ", ".join(names)})
        return _form(request, session, form)
    form = MarksForm(request.POST)
    if not form.is_valid():
        return _form(request, session, form)
    mark(session, title=form.cleaned_data["title"], tags=form.cleaned_data["tags"])
    return _row_part(request, session, "history/_what.html")


@require_POST
def star(request: HttpRequest, pk: UUID) -> HttpResponse:
    """POST ``starred`` (true or false) and ``next``."""
    session = get_object_or_404(sessions_of(request.user), pk=pk)
    mark(session, starred=request.POST.get("starred") == "true")
    return _row_part(request, session, "history/_star.html")


def _form(request: HttpRequest, session: Session, form: MarksForm) -> HttpResponse:
    template = "history/_edit.html" if request.htmx else "history/edit.html"
    context = {"session": session, "form": form, "next": _next(request)}
    return render(request, template, context)


def _row_part(request: HttpRequest, session: Session, template: str) -> HttpResponse:
    if not request.htmx:
        return HttpResponseRedirect(_next(request))
    here = _next(request)
    text = QueryDict(urlsplit(here).query).get("text")
    context: dict[str, Any] = {"row": rows_of([session.pk], text)[0], "here": here}
    return render(request, template, context)


def _next(request: HttpRequest) -> str:
    """The page of this site that was asked for, else the list."""
    asked = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(asked, allowed_hosts=None) and asked.startswith("/")
    return asked if safe else reverse("history:list")

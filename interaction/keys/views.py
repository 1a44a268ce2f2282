"""The page of people's own keys and endpoints: add, try, delete.

Every form works without JavaScript, and then comes back to the whole page; HTMX gets the one part
that changed.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe
from django_htmx.middleware import HtmxDetails

from interaction.holdings import Access, Holdings, NoAccess, changed, holdings
from interaction.keys import trying
from interaction.keys.forms import EndpointForm, KeyForm
from interaction.keys.trying import Answer
from interaction.models import Endpoint, ProviderCredential
from interaction.providers.accounts import ACCOUNTS, Account, account_of, accounts
from interaction.providers.base import Kind
from interaction.providers.table import TABLE
from interaction.ui_strings import ui_strings


@dataclass
class AccountRow:
    """An account on the page."""

    name: str
    account: Account
    own: ProviderCredential | None
    serves: bool
    """The server has a key for everybody."""
    problem: str
    """Why the own key is of no use."""
    address: str
    """Where it goes, when that is not the provider's own address."""
    stages: list[tuple[Kind, str]]
    """Where a provider takes its key, and how that is called."""
    form: KeyForm


class Asked(HttpRequest):
    htmx: HtmxDetails
    user: Any


@require_safe
def page(request: Asked) -> HttpResponse:
    return render(request, "interaction/keys.html", _page(request))


@sensitive_post_parameters("key")
@require_POST
def save_key(request: Asked, name: str) -> HttpResponse:
    if name not in accounts():
        raise Http404
    form = KeyForm(name, request.POST)
    if not form.is_valid():
        return _refused(request, "_key", {"row": _row(request, name, form)})
    ProviderCredential.store(request.user, name, form.cleaned_data["key"])
    changed(request.user.pk)
    return _done(request, name, Answer(True, _("The key is kept, encrypted.")))


@require_POST
def delete_key(request: Asked, name: str) -> HttpResponse:
    ProviderCredential.objects.filter(owner=request.user, account=name).delete()
    changed(request.user.pk)
    return _done(request, name, Answer(True, _("The key is deleted.")))


@require_POST
async def try_key(request: Asked, name: str) -> HttpResponse:
    account = ACCOUNTS.get(name)
    if account is None or not account.trial:
        raise Http404
    try:
        answer = await trying.ask(account, await sync_to_async(_to_try)(request, name))
    except NoAccess as missing:
        answer = Answer(False, missing.message)
    return await sync_to_async(_done)(request, name, answer)


@sensitive_post_parameters("key")
@require_POST
def save_endpoint(request: Asked, pk: int | None = None) -> HttpResponse:
    row = _endpoint(request, pk) if pk else Endpoint(owner=request.user)
    form = EndpointForm(request.POST, instance=row)
    if not form.is_valid():
        return _refused(request, "_endpoints", _endpoints(request, form))
    try:
        with transaction.atomic():
            form.save()
    except IntegrityError:
        # Another request took the name since the form was checked.
        form.name_is_taken()
        return _refused(request, "_endpoints", _endpoints(request, form))
    changed(request.user.pk)
    return _endpoint_done(request, row, Answer(True, _("The endpoint is kept.")))


@require_POST
def delete_endpoint(request: Asked, pk: int) -> HttpResponse:
    row = _endpoint(request, pk)
    row.delete()
    changed(request.user.pk)
    said = _("The endpoint %(name)s is deleted.") % {"name": row.name}
    return _endpoint_done(request, row, Answer(True, said))


@require_POST
async def try_endpoint(request: Asked, pk: int) -> HttpResponse:
    row = await sync_to_async(_endpoint)(request, pk)
    server = Account(row.name, row.base_url, trial="/models")
    try:
        access = Holdings(own=(row,)).endpoints()[f"endpoint:{row.name}"].access()
        models = {name for names in row.models_by_kind.values() for name in names}
        answer = await trying.ask(server, access, sorted(models))
    except NoAccess as missing:
        answer = Answer(False, missing.message)
    return await sync_to_async(_endpoint_done)(request, row, answer)


def _to_try(request: Asked, name: str) -> Access:
    """Raises ``NoAccess``, and ``Http404``: what a provider tells of the server's key,
    and the calls that asking costs, are the business of those who run the server."""
    access = holdings(request.user.pk).access(name)
    if access.whose != "own" and not request.user.is_staff:
        raise Http404
    return access


def _endpoint(request: Asked, pk: int) -> Endpoint:
    row: Endpoint = get_object_or_404(Endpoint, owner=request.user, pk=pk)
    return row


def _page(request: Asked) -> dict[str, Any]:
    return {"rows": [_row(request, name) for name in accounts()], **_endpoints(request)}


def _row(request: Asked, name: str, form: KeyForm | None = None) -> AccountRow:
    own = ProviderCredential.objects.filter(owner=request.user, account=name).first()
    account = accounts()[name]
    problem, server, address = "", False, ""
    try:
        access = Holdings({name: own} if own else {}).access(name)
    except NoAccess as missing:
        problem = missing.message if own else ""
    else:
        server = access.whose == "server"
        address = access.base_url if access.base_url != account.base_url else ""
    return AccountRow(
        name=name,
        account=account,
        own=own,
        serves=server,
        problem=problem,
        address=address,
        stages=_named([k for k in TABLE if any(account_of(k, one) == name for one in TABLE[k])]),
        form=form or KeyForm(name),
    )


def _endpoints(request: Asked, refused: EndpointForm | None = None) -> dict[str, Any]:
    """The lists of endpoints. ``refused``: a form of a new one or of one in the list."""
    rows = list(Endpoint.objects.filter(owner=request.user))
    new = EndpointForm(instance=Endpoint(owner=request.user))
    if refused and not refused.instance.pk:
        new = refused
    return {
        "endpoints": [
            (row, refused)
            if refused and refused.instance.pk == row.pk
            # A form writes into its row, even what it refuses.
            else (row, EndpointForm(instance=copy(row)))
            for row in rows
        ],
        "of_server": list(Holdings().endpoints().values()),
        "stages": dict(_named(TABLE)),
        "new": new,
    }


def _named(kinds: Iterable[Kind]) -> list[tuple[Kind, str]]:
    words = ui_strings()
    return [(kind, words[f"stage_{kind}"]) for kind in kinds]


def _refused(request: Asked, part: str, context: dict[str, Any]) -> HttpResponse:
    """The form with what is wrong with it; the key has to be typed again."""
    if request.htmx:
        return render(request, f"interaction/{part}.html", context)
    whole = _page(request)
    if row := context.get("row"):
        whole["rows"] = [row if one.name == row.name else one for one in whole["rows"]]
    return render(request, "interaction/keys.html", {**whole, **context}, status=422)


def _done(request: Asked, name: str, answer: Answer) -> HttpResponse:
    if request.htmx:
        context = {"row": _row(request, name), "answer": answer}
        return render(request, "interaction/_key.html", context)
    return _back(request, answer, f"key-{name}")


def _endpoint_done(request: Asked, row: Endpoint, answer: Answer) -> HttpResponse:
    if request.htmx:
        context = {**_endpoints(request), "answer": answer, "answered": row.pk}
        return render(request, "interaction/_endpoints.html", context)
    return _back(request, answer, "endpoints")


def _back(request: Asked, answer: Answer, part: str) -> HttpResponse:
    (messages.success if answer.ok else messages.error)(request, answer.said)
    return redirect(f"{reverse('keys')}#{part}")

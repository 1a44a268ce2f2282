"""Which conversations a person chose on the list: some by their ids, or all that a filter finds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.http import QueryDict
from django.utils.translation import gettext as _

from history.filters import SessionFilter, SessionFilterForm
from history.offers import Offers
from history.queries import summaries_of
from interaction.api.door import RequestRefused, refuse_unknown

MOST = 100_000
"""Conversations that are chosen at once."""
FILTER_FIELDS = tuple(SessionFilter.model_fields)


def chosen(user: Any, session_ids: Sequence[UUID]) -> list[UUID]:
    """Those of these sessions that are theirs, in the order given. Raises ``RequestRefused``."""
    _refuse_too_many(len(session_ids))
    own = set(summaries_of(user).filter(pk__in=session_ids).values_list("pk", flat=True))
    return [one for one in dict.fromkeys(session_ids) if one in own]


def found(user: Any, wanted: SessionFilter) -> list[UUID]:
    """All of theirs that a filter finds, the newest first. Raises ``RequestRefused``."""
    ids = list(wanted.filter(summaries_of(user)).values_list("pk", flat=True)[: MOST + 1])
    _refuse_too_many(len(ids))
    return ids


def posted(user: Any, form: QueryDict, query: QueryDict) -> list[UUID]:
    """What the list's form says: its checkboxes ``session``, or with ``all`` everything that the
    filter in the list's address, ``query``, finds. Raises ``RequestRefused``."""
    if not form.get("all"):
        return chosen(user, [one for text in form.getlist("session") if (one := _uuid(text))])
    refuse_unknown(query, [*FILTER_FIELDS, "sort", "page"])
    filter_form = SessionFilterForm(query, Offers(user))
    wanted = filter_form.session_filter()
    if not filter_form.is_valid():
        # A value that makes no sense narrows nothing: more would be chosen than was meant.
        message = _("A value of the filter makes no sense. Set it again, and choose then.")
        raise RequestRefused(400, "invalid_fields", message)
    return found(user, wanted)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _refuse_too_many(count: int) -> None:
    if count > MOST:
        message = _("Choose at most %(most)d conversations at once.") % {"most": MOST}
        raise RequestRefused(413, "too_many", message)

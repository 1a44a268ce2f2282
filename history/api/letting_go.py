"""Of one session: its export, and taking the consent to its recording back. Of all: how long they
are kept."""

from __future__ import annotations

from typing import Annotated, Self
from uuid import UUID

from django.http import Http404, HttpResponseBase
from django.shortcuts import get_object_or_404
from ninja import Router
from pydantic import Field

from history import consent
from history.api.sessions import OPERATION
from history.api.sessions import router as sessions
from history.api.streaming import attachment
from history.export.document import load
from history.export.formats import FORMATS, FormatName
from history.models import Retention as RetentionRow
from history.models.retention import LARGEST_MB, LONGEST_DAYS
from history.queries import sessions_of
from interaction.api.access import Caller
from interaction.api.errors import ERRORS
from interaction.api.schemas import Session
from interaction.sessions.settings import WireModel

router = Router(tags=["retention"])


@sessions.get(
    "/{uuid:session_id}/export",
    response={200: None, **ERRORS},
    operation_id=f"{OPERATION}export_session",
    url_name="export_session",
)
def export_session(
    request: Caller, session_id: UUID, format: FormatName = "json"
) -> HttpResponseBase:
    """The session as a file: ``json`` (schema ``session_export``), ``md`` or ``txt`` (transcript),
    ``csv`` (timings, a row a turn), ``zip`` (all of it, with the audio)."""
    get_object_or_404(sessions_of(request.auth), pk=session_id)
    session = next(load([session_id]), None)
    if session is None:
        raise Http404
    form = FORMATS[format]
    name = f"parley-{session.created_at:%Y-%m-%d}-{str(session_id)[:8]}.{format}"
    return attachment(request, form.of_one(session), form.content_type, name)


@sessions.delete(
    "/{uuid:session_id}/recordings",
    response={200: Session, **ERRORS},
    operation_id=f"{OPERATION}revoke_recording",
)
def revoke_recording(request: Caller, session_id: UUID) -> Session:
    """Take the consent to its recording back: all of its audio goes, words and figures stay. A
    session in progress is recorded no further. It may be repeated."""
    consent.revoke(get_object_or_404(sessions_of(request.auth), pk=session_id))
    return Session.of(get_object_or_404(sessions_of(request.auth), pk=session_id))


class Retention(WireModel):
    """How long your conversations are kept; the installation's own limits hold beside these."""

    days: Annotated[int, Field(ge=1, le=LONGEST_DAYS)] | None
    """Older ones are deleted; null: no limit."""
    megabytes: Annotated[int, Field(ge=1, le=LARGEST_MB)] | None
    """Of recordings: beyond them the oldest sessions are deleted; null: no limit."""

    @classmethod
    def of(cls, row: RetentionRow) -> Self:
        return cls(days=row.days, megabytes=row.megabytes)


@router.get("", response={200: Retention, **ERRORS})
def get_retention(request: Caller) -> Retention:
    return Retention.of(RetentionRow.of(request.auth))


@router.put("", response={200: Retention, **ERRORS})
def set_retention(request: Caller, wanted: Retention) -> Retention:
    """What is due by it is deleted within minutes."""
    limits = wanted.model_dump()
    row, _ = RetentionRow.objects.update_or_create(user=request.auth, defaults=limits)
    return Retention.of(row)

"""Of one session: its export, and taking the consent to its recording back. Of all: how long they
are kept."""

from __future__ import annotations

from typing import Annotated, Self

from django.http import Http404, HttpResponseBase
from django.shortcuts import get_object_or_404
from ninja import P, QueryEx, Router
from pydantic import Field

from history import consent
from history.api.sessions import OPERATION, SessionId
from history.api.sessions import router as sessions
from history.api.streaming import attachment
from history.export.document import load
from history.export.formats import FORMATS, FormatName
from history.models import Retention as RetentionRow
from history.models.retention import LARGEST_MB, LONGEST_DAYS
from history.queries import sessions_of
from interaction.api.access import Caller
from interaction.api.document import answers
from interaction.api.errors import errors
from interaction.api.schemas import Session
from interaction.sessions.settings import WireModel

router = Router(tags=["retention"])

ExportFormat = QueryEx[
    FormatName,
    P(
        description="`json` (schema `session_export`), `md` or `txt` (transcript), `csv` (timings, "
        "a row a turn), or `zip` (all of it, with the audio)."
    ),
]


@sessions.get(
    "/{uuid:session_id}/export",
    response={200: None, **errors(404, 422)},
    operation_id=f"{OPERATION}export_session",
    url_name="export_session",
    summary="Export a session",
    openapi_extra=answers(
        {200: "The file, to be saved under the name that its headers give."},
        files={200: "application/octet-stream"},
    ),
)
def export_session(
    request: Caller, session_id: SessionId, format: ExportFormat = "json"
) -> HttpResponseBase:
    """All that was kept of a session as a file, for other programs, for spreadsheets, to be read,
    or to be imported by another installation."""
    get_object_or_404(sessions_of(request.auth), pk=session_id)
    session = next(load([session_id]), None)
    if session is None:
        raise Http404
    form = FORMATS[format]
    name = f"parley-{session.created_at:%Y-%m-%d}-{str(session_id)[:8]}.{format}"
    return attachment(request, form.of_one(session), form.content_type, name)


@sessions.delete(
    "/{uuid:session_id}/recordings",
    response={200: Session, **errors(403, 404, 422)},
    operation_id=f"{OPERATION}revoke_recording",
    summary="Delete a session's recordings",
    openapi_extra=answers({200: "The session, which is not recorded any more."}),
)
def revoke_recording(request: Caller, session_id: SessionId) -> Session:
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


@router.get(
    "",
    response={200: Retention, **errors()},
    summary="Read your limits",
    openapi_extra=answers({200: "The caller's own limits."}),
)
def get_retention(request: Caller) -> Retention:
    """How long the caller's sessions are kept, by their own choice. The installation may have
    limits of its own beside these."""
    return Retention.of(RetentionRow.of(request.auth))


@router.put(
    "",
    response={200: Retention, **errors(403, 415, 422)},
    summary="Set your limits",
    openapi_extra=answers(
        {200: "The limits, as they are now."}, example={"days": 90, "megabytes": None}
    ),
)
def set_retention(request: Caller, wanted: Retention) -> Retention:
    """Choose for how long sessions are kept. What is older or beyond is deleted within minutes;
    starred sessions and those in progress are spared."""
    limits = wanted.model_dump()
    row, _ = RetentionRow.objects.update_or_create(user=request.auth, defaults=limits)
    return Retention.of(row)

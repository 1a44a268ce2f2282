"""Sessions and their turns, each user's own: of another's, nothing is there (404).

Ninja serves all methods of one address from one router, so these operations are added to the router
by which ``interaction`` creates sessions. Operation ids are a part of the API: they stay when code
moves.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from ninja import Query, Schema, Status
from pydantic import Field

from history.api import ranges
from history.api.schemas import SessionMarks, SessionPage, Turn, kept_session
from history.filters import SessionFilter
from history.listing import page_of, rows_of
from history.marks import mark
from history.ordering import Ordering
from history.queries import sessions_of, turns_of
from interaction import models
from interaction.api.access import Caller
from interaction.api.errors import ERRORS, ApiError
from interaction.api.schemas import Session
from interaction.api.sessions import router

__all__ = ["router"]

OPERATION = "interaction_api_sessions_"


class Paging(Schema):
    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    page_size: Annotated[int, Field(ge=1, le=200)] = 50


@router.get("", response={200: SessionPage, **ERRORS}, operation_id=f"{OPERATION}list_sessions")
def list_sessions(
    request: Caller,
    wanted: Query[SessionFilter],
    ordering: Query[Ordering],
    pages: Query[Paging],
) -> SessionPage:
    """The newest first, unless ``sort`` says otherwise. Sessions in which nothing was said are left
    out, but where ``silent`` or ``status`` asks for them."""
    page = page_of(request.auth, wanted, ordering, pages.page, pages.page_size)
    return SessionPage(items=[kept_session(row) for row in rows_of(page.ids)], count=page.count)


@router.get(
    "/{uuid:session_id}",
    response={200: Session, **ERRORS},
    operation_id=f"{OPERATION}get_session",
)
def get_session(request: Caller, session_id: UUID) -> Session:
    return _kept(get_object_or_404(sessions_of(request.auth), pk=session_id))


@router.patch(
    "/{uuid:session_id}",
    response={200: Session, **ERRORS},
    operation_id=f"{OPERATION}mark_session",
)
def mark_session(request: Caller, session_id: UUID, marks: SessionMarks) -> Session:
    """Change the title, the star, or the tags: whatever is given."""
    session = get_object_or_404(sessions_of(request.auth), pk=session_id)
    mark(session, **marks.model_dump())
    return _kept(session)


def _kept(session: models.Session) -> Session:
    return kept_session(rows_of([session.pk])[0])


@router.delete(
    "/{uuid:session_id}",
    response={204: None, **ERRORS},
    operation_id=f"{OPERATION}delete_session",
)
def delete_session(request: Caller, session_id: UUID) -> Status[Any]:
    """Delete a session with all that was kept of it."""
    session = get_object_or_404(sessions_of(request.auth), pk=session_id)
    if session.status == models.Session.Status.ACTIVE:
        raise ApiError(409, "session_active", _("The session is in progress: end it first."))
    session.erase()
    return Status(204, None)


@router.get(
    "/{uuid:session_id}/turns",
    response={200: list[Turn], **ERRORS},
    operation_id=f"{OPERATION}list_turns",
)
def list_turns(request: Caller, session_id: UUID) -> list[Turn]:
    session = get_object_or_404(sessions_of(request.auth), pk=session_id)
    return [Turn.of(row) for row in turns_of(session)]


@router.get(
    "/{uuid:session_id}/turns/{uuid:turn_id}/audio",
    response={200: None, 206: None, **ERRORS},
    operation_id=f"{OPERATION}turn_audio",
    url_name="turn_audio",
)
def turn_audio(
    request: Caller, session_id: UUID, turn_id: UUID, side: Literal["user", "agent"]
) -> HttpResponse:
    """A side's recording as a WAV file; ``Range`` is understood."""
    turn = get_object_or_404(
        models.Turn, pk=turn_id, session_id=session_id, session__owner=request.auth
    )
    file = turn.audio(side)
    if not file:
        raise Http404
    return ranges.serve(file, request.headers.get("Range"), "audio/wav")

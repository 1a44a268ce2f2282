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
from ninja import P, PathEx, Query, QueryEx, Status
from pydantic import Field

from history.api import ranges
from history.api.schemas import SessionMarks, SessionPage, Turn, kept_session
from history.deletion import erase
from history.filters import SessionFilter
from history.listing import page_of, rows_of
from history.marks import mark
from history.ordering import Ordering
from history.queries import sessions_of, turns_of
from interaction import models
from interaction.api.access import Caller
from interaction.api.document import answers
from interaction.api.errors import ApiError, errors
from interaction.api.schemas import Session
from interaction.api.sessions import router
from interaction.sessions.settings import WireModel

__all__ = ["router"]

OPERATION = "interaction_api_sessions_"


class Paging(WireModel):
    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    """Which page of the list, from 1."""
    page_size: Annotated[int, Field(ge=1, le=200)] = 50
    """How many sessions a page has."""


SessionId = PathEx[UUID, P(description="The session's `id`, from the list or when it was made.")]
TurnId = PathEx[UUID, P(description="The turn's `id`, from the list of turns.")]
Side = QueryEx[
    Literal["user", "agent"],
    P(description="Whose sound: what the person said (`user`), or what was answered (`agent`)."),
]


@router.get(
    "",
    response={200: SessionPage, **errors(422)},
    operation_id=f"{OPERATION}list_sessions",
    summary="List your sessions",
    openapi_extra=answers({200: "A page of the list, and how many there are on all pages."}),
)
def list_sessions(
    request: Caller,
    wanted: Query[SessionFilter],
    ordering: Query[Ordering],
    pages: Query[Paging],
) -> SessionPage:
    """The caller's sessions, the newest first unless `sort` says otherwise, narrowed down by any of
    the parameters. Sessions in which nothing was said are left out, but where `silent` or `status`
    asks for them."""
    page = page_of(request.auth, wanted, ordering, pages.page, pages.page_size)
    return SessionPage(items=[kept_session(row) for row in rows_of(page.ids)], count=page.count)


@router.get(
    "/{uuid:session_id}",
    response={200: Session, **errors(404, 422)},
    operation_id=f"{OPERATION}get_session",
    summary="Read a session",
    openapi_extra=answers({200: "The session."}),
)
def get_session(request: Caller, session_id: SessionId) -> Session:
    """A session's settings, its state, and what the history knows of it."""
    return _kept(get_object_or_404(sessions_of(request.auth), pk=session_id))


@router.patch(
    "/{uuid:session_id}",
    response={200: Session, **errors(403, 404, 415, 422)},
    operation_id=f"{OPERATION}mark_session",
    summary="Title, star or tag a session",
    openapi_extra=answers(
        {200: "The session, as it is now."}, example={"title": "Weather", "starred": True}
    ),
)
def mark_session(request: Caller, session_id: SessionId, marks: SessionMarks) -> Session:
    """Change the title, the star, or the tags: whatever is given."""
    session = get_object_or_404(sessions_of(request.auth), pk=session_id)
    mark(session, **marks.model_dump())
    return _kept(session)


def _kept(session: models.Session) -> Session:
    return kept_session(rows_of([session.pk])[0])


@router.delete(
    "/{uuid:session_id}",
    response={204: None, **errors(403, 404, 409, 422)},
    operation_id=f"{OPERATION}delete_session",
    summary="Delete a session",
    openapi_extra=answers({204: "It is gone; the answer has no body."}),
)
def delete_session(request: Caller, session_id: SessionId) -> Status[Any]:
    """Delete a session with all that was kept of it: words, figures, recordings."""
    get_object_or_404(sessions_of(request.auth), pk=session_id)
    if not erase([session_id]):
        raise ApiError(409, "session_active", _("The session is in progress: end it first."))
    return Status(204, None)


@router.get(
    "/{uuid:session_id}/turns",
    response={200: list[Turn], **errors(404, 422)},
    operation_id=f"{OPERATION}list_turns",
    summary="List a session's turns",
    openapi_extra=answers({200: "The turns, in their order."}),
)
def list_turns(request: Caller, session_id: SessionId) -> list[Turn]:
    """What was said and answered, who served it, and how long each step took. A turn is there as
    soon as it has ended, while the session still goes on."""
    session = get_object_or_404(sessions_of(request.auth), pk=session_id)
    return [Turn.of(row) for row in turns_of(session)]


@router.get(
    "/{uuid:session_id}/turns/{uuid:turn_id}/audio",
    response={200: None, 206: None, **errors(404, 416, 422)},
    operation_id=f"{OPERATION}turn_audio",
    url_name="turn_audio",
    summary="Fetch a turn's sound",
    openapi_extra=answers(
        {200: "The whole WAV file.", 206: "The bytes that `Range` asked for."},
        {200: "audio/wav", 206: "audio/wav"},
    ),
)
def turn_audio(request: Caller, session_id: SessionId, turn_id: TurnId, side: Side) -> HttpResponse:
    """One side's recording as a WAV file. `Range` is understood, for one range of bytes. Nothing is
    there where recording was off, or where that side made no sound."""
    turn = get_object_or_404(
        models.Turn, pk=turn_id, session_id=session_id, session__owner=request.auth
    )
    file = turn.audio(side)
    if not file:
        raise Http404
    return ranges.serve(file, request.headers.get("Range"), "audio/wav")

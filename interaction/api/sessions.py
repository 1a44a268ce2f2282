"""Sessions and their turns, each user's own: of another's, nothing is there (404)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from ninja import FilterLookup, FilterSchema, Query, Router, Schema, Status
from pydantic import Field

from interaction.api import ranges, shapes
from interaction.api.access import Caller
from interaction.api.errors import ERRORS, ApiError
from interaction.models import Session, Turn
from interaction.sessions import create
from interaction.sessions.settings import SessionSettings

router = Router(tags=["sessions"])


class Paging(Schema):
    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    page_size: Annotated[int, Field(ge=1, le=200)] = 50


class SessionFilter(FilterSchema):
    status: Literal["created", "active", "ended"] | None = None
    mode: Literal["cascade", "realtime"] | None = None
    since: Annotated[datetime | None, FilterLookup("created_at__gte")] = None
    until: Annotated[datetime | None, FilterLookup("created_at__lt")] = None
    text: Annotated[str | None, Field(max_length=200)] = None
    """In the title, or in anything said."""

    def filter_text(self, text: str | None) -> Q:
        return Q(pk__in=Session.objects.mentioning(text).values("pk")) if text else Q()


def own(caller: Caller) -> QuerySet[Session]:
    # Counting groups, and a grouped query forgets the model's own ordering.
    return Session.objects.owned_by(caller.auth).with_counts().order_by("-created_at", "pk")


@router.post("", response={201: shapes.Session, **ERRORS})
def create_session(request: Caller, wanted: SessionSettings) -> Status[Any]:
    """Make a session, to be started over the socket by its id."""
    return Status(201, shapes.Session.of(create.create_session(request.auth, wanted, active=False)))


@router.get("", response={200: shapes.SessionPage, **ERRORS})
def list_sessions(
    request: Caller, wanted: Query[SessionFilter], pages: Query[Paging]
) -> shapes.SessionPage:
    """The newest first."""
    found = wanted.filter(own(request))
    start = (pages.page - 1) * pages.page_size
    rows = found[start : start + pages.page_size]
    return shapes.SessionPage(items=[shapes.Session.of(row) for row in rows], count=found.count())


@router.get("/{uuid:session_id}", response={200: shapes.Session, **ERRORS})
def get_session(request: Caller, session_id: UUID) -> shapes.Session:
    return shapes.Session.of(get_object_or_404(own(request), pk=session_id))


@router.delete("/{uuid:session_id}", response={204: None, **ERRORS})
def delete_session(request: Caller, session_id: UUID) -> Status[Any]:
    """Delete a session with all that was kept of it."""
    session = get_object_or_404(own(request), pk=session_id)
    if session.status == Session.Status.ACTIVE:
        raise ApiError(409, "session_active", _("The session is in progress: end it first."))
    session.erase()
    return Status(204, None)


@router.get("/{uuid:session_id}/turns", response={200: list[shapes.Turn], **ERRORS}, by_alias=True)
def list_turns(request: Caller, session_id: UUID) -> list[shapes.Turn]:
    session = get_object_or_404(own(request), pk=session_id)
    rows = session.turns.select_related("latency", "session")
    rows = rows.prefetch_related("tasks__invocations")
    return [shapes.Turn.of(row) for row in rows]


@router.get(
    "/{uuid:session_id}/turns/{uuid:turn_id}/audio",
    response={200: None, 206: None, **ERRORS},
    url_name="turn_audio",
)
def turn_audio(
    request: Caller, session_id: UUID, turn_id: UUID, side: Literal["user", "agent"]
) -> HttpResponse:
    """A side's recording as a WAV file; ``Range`` is understood."""
    turn = get_object_or_404(Turn, pk=turn_id, session_id=session_id, session__owner=request.auth)
    file = turn.audio(side)
    if not file:
        raise Http404
    return ranges.serve(file, request.headers.get("Range"), "audio/wav")

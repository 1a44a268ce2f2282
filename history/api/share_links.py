"""Read-only links to a conversation or to one turn of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Self
from uuid import UUID

from django.shortcuts import get_object_or_404
from django.urls import reverse
from ninja import Router, Status
from pydantic import Field

from history.api.sessions import OPERATION
from history.api.sessions import router as sessions
from history.models import ShareLink as ShareLinkRow
from history.queries import sessions_of
from interaction.api.access import Caller
from interaction.api.errors import ERRORS
from interaction.sessions.settings import WireModel

router = Router(tags=["share links"])

LONGEST_DAYS = 3650


class ShareLink(WireModel):
    id: UUID
    session_id: UUID
    turn_id: UUID | None
    """Null: the whole session."""
    hint: str
    """The last characters of its address."""
    created_at: datetime
    expires_at: datetime | None
    """Null: never."""
    revoked_at: datetime | None

    @classmethod
    def of(cls, row: ShareLinkRow) -> Self:
        return cls.model_validate({name: getattr(row, name) for name in cls.model_fields})


class NewShareLink(WireModel):
    turn_id: UUID | None = None
    """Null: the whole session."""
    days: Annotated[int, Field(ge=1, le=LONGEST_DAYS)] | None = 7
    """For which it opens; null: until it is revoked."""


class CreatedShareLink(ShareLink):
    """A link that was made just now."""

    url: str
    """Its address, which cannot be had again."""


@sessions.post(
    "/{uuid:session_id}/share-links",
    response={201: CreatedShareLink, **ERRORS},
    operation_id=f"{OPERATION}create_share_link",
)
def create_share_link(request: Caller, session_id: UUID, wanted: NewShareLink) -> Status[Any]:
    """Whoever has the address sees transcript, figures and recordings, without an account."""
    session = get_object_or_404(sessions_of(request.auth), pk=session_id)
    turn = get_object_or_404(session.turns, pk=wanted.turn_id) if wanted.turn_id else None
    lasts = timedelta(days=wanted.days) if wanted.days else None
    link, secret = ShareLinkRow.make(session, turn, lasts)
    url = request.build_absolute_uri(reverse("shared", args=[secret]))
    return Status(201, CreatedShareLink(**ShareLink.of(link).model_dump(), url=url))


@router.get("", response={200: list[ShareLink], **ERRORS})
def list_share_links(request: Caller) -> list[ShareLink]:
    """All that you have made, the newest first, also those that open nothing any more."""
    return [ShareLink.of(row) for row in ShareLinkRow.objects.owned_by(request.auth)]


@router.delete("/{uuid:link_id}", response={204: None, **ERRORS})
def revoke_share_link(request: Caller, link_id: UUID) -> Status[Any]:
    """From now on it opens nothing. It may be repeated."""
    get_object_or_404(ShareLinkRow.objects.owned_by(request.auth), pk=link_id).revoke()
    return Status(204, None)

"""Read-only links to a conversation or to one turn of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Self
from uuid import UUID

from django.shortcuts import get_object_or_404
from django.urls import reverse
from ninja import P, PathEx, Router, Status
from pydantic import Field

from history.api.sessions import OPERATION, SessionId
from history.api.sessions import router as sessions
from history.models import ShareLink as ShareLinkRow
from history.queries import sessions_of
from interaction.api.access import Caller
from interaction.api.document import answers
from interaction.api.errors import errors
from interaction.sessions.settings import WireModel

router = Router(tags=["share links"])

LONGEST_DAYS = 3650


LinkId = PathEx[UUID, P(description="The link's `id`, from the list or when it was made.")]


class ShareLink(WireModel):
    """An address at which a session, or one turn, is seen by whoever has it."""

    id: UUID
    """By which it is revoked."""
    session_id: UUID
    """What it shows, or of which it shows a turn."""
    turn_id: UUID | None
    """The one turn that it shows; null: the whole session."""
    hint: str
    """The last characters of its address."""
    created_at: datetime
    """When it was made, ISO 8601 in UTC."""
    expires_at: datetime | None
    """From when on it opens nothing, ISO 8601 in UTC; null: never."""
    revoked_at: datetime | None
    """When its owner closed it, ISO 8601 in UTC; null where they did not."""

    @classmethod
    def of(cls, row: ShareLinkRow) -> Self:
        return cls.model_validate({name: getattr(row, name) for name in cls.model_fields})


class NewShareLink(WireModel):
    """What is to be shown, and for how long."""

    turn_id: UUID | None = None
    """Show this turn alone; null: the whole session."""
    days: Annotated[int, Field(ge=1, le=LONGEST_DAYS)] | None = 7
    """For how long it opens; null: until it is revoked."""


class CreatedShareLink(ShareLink):
    """A link that was made just now."""

    url: str
    """Its address, which cannot be had again."""


@sessions.post(
    "/{uuid:session_id}/share-links",
    response={201: CreatedShareLink, **errors(403, 404, 415, 422)},
    operation_id=f"{OPERATION}create_share_link",
    summary="Share a session or a turn",
    openapi_extra=answers({201: "The link, with its address."}, example={"days": 7}),
)
def create_share_link(request: Caller, session_id: SessionId, wanted: NewShareLink) -> Status[Any]:
    """Make a read-only link. Whoever has the address sees transcript, figures and recordings,
    without an account."""
    session = get_object_or_404(sessions_of(request.auth), pk=session_id)
    turn = get_object_or_404(session.turns, pk=wanted.turn_id) if wanted.turn_id else None
    lasts = timedelta(days=wanted.days) if wanted.days else None
    link, secret = ShareLinkRow.make(session, turn, lasts)
    url = request.build_absolute_uri(reverse("shared", args=[secret]))
    return Status(201, CreatedShareLink(**ShareLink.of(link).model_dump(), url=url))


@router.get(
    "",
    response={200: list[ShareLink], **errors()},
    summary="List your share links",
    openapi_extra=answers({200: "All of the caller's links."}),
)
def list_share_links(request: Caller) -> list[ShareLink]:
    """Everything the caller has shared, the newest first, also what opens nothing any more."""
    return [ShareLink.of(row) for row in ShareLinkRow.objects.owned_by(request.auth)]


@router.delete(
    "/{uuid:link_id}",
    response={204: None, **errors(403, 404, 422)},
    summary="Revoke a share link",
    openapi_extra=answers({204: "It is revoked; the answer has no body."}),
)
def revoke_share_link(request: Caller, link_id: LinkId) -> Status[Any]:
    """Close the address for good: whoever has it finds nothing there. It may be repeated."""
    get_object_or_404(ShareLinkRow.objects.owned_by(request.auth), pk=link_id).revoke()
    return Status(204, None)

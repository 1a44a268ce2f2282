"""Creating a session over REST. ``history.api.sessions`` reads and deletes what was kept of it."""

from __future__ import annotations

from typing import Any

from ninja import Router, Status

from interaction.api.access import Caller
from interaction.api.document import answers
from interaction.api.errors import errors
from interaction.api.schemas import CreatedSession
from interaction.sessions import create
from interaction.sessions.settings import SessionSettings

router = Router(tags=["sessions"])


@router.post(
    "",
    response={201: CreatedSession, **errors(403, 415, 422)},
    summary="Make a session",
    openapi_extra=answers(
        {201: "The session, its defaults filled in. It waits to be started."},
        example={"title": "First try", "system_prompt": "You are brief.", "recording": False},
    ),
)
def create_session(request: Caller, wanted: SessionSettings) -> Status[Any]:
    """A session to be started over the socket by its id: `start_session` with `session_id`. Every
    field may be left out. `warnings` says what its providers cannot do in its language."""
    return Status(201, CreatedSession.of(create.create_session(request.auth, wanted, active=False)))

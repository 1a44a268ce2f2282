"""Creating a session over REST. ``history.api.sessions`` reads and deletes what was kept of it."""

from __future__ import annotations

from typing import Any

from ninja import Router, Status

from interaction.api.access import Caller
from interaction.api.errors import ERRORS
from interaction.api.schemas import CreatedSession
from interaction.sessions import create
from interaction.sessions.settings import SessionSettings

router = Router(tags=["sessions"])


@router.post("", response={201: CreatedSession, **ERRORS})
def create_session(request: Caller, wanted: SessionSettings) -> Status[Any]:
    """Make a session, to be started over the socket by its id. ``warnings`` says what its
    providers cannot do in its language."""
    return Status(201, CreatedSession.of(create.create_session(request.auth, wanted, active=False)))

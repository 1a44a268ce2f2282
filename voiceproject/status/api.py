"""The status over REST."""

from __future__ import annotations

from ninja import Router

from interaction.api.access import Caller
from interaction.api.document import answers
from voiceproject.status.document import InstallationStatus
from voiceproject.status.now import status_for

router = Router(tags=["status"])


@router.get(
    "",
    response=InstallationStatus,
    summary="See what goes on now",
    openapi_extra=answers({200: "The status."}),
)
def status(request: Caller) -> InstallationStatus:
    """Sessions, queues, workers, providers' calls, room and Redis, as the page *Status* shows them.
    Staff see the whole installation; others their own sessions, and whether Redis answers."""
    return status_for(request.auth)

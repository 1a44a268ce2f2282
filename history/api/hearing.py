"""A whole conversation over REST: as one recording, and as waveforms; and what a person thinks of a
turn."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterable
from typing import Annotated, Literal

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from ninja import P, QueryEx
from pydantic import Field

from history.api import ranges
from history.api.schemas import Turn, Waveform
from history.api.sessions import SessionId, TurnId, router
from history.hearing import flac, peaks
from history.hearing.axis import lay_out_turns
from history.hearing.whole import LONGEST_FRAMES, WholeRecording
from history.models import TurnAnnotation
from history.models.annotation import LONGEST_NOTE
from history.queries import sessions_of, turns_of
from interaction import models
from interaction.api.access import Caller
from interaction.api.document import answers
from interaction.api.errors import ApiError, errors
from interaction.sessions.settings import Text, WireModel

__all__ = ["router"]

OPERATION = "history_api_hearing_"

Format = QueryEx[
    Literal["wav", "flac"],
    P(description="`wav`, of which ranges can be fetched, or `flac`, which is half as large."),
]


@router.get(
    "/{uuid:session_id}/audio",
    response={200: None, 206: None, **errors(404, 413, 416, 422)},
    operation_id=f"{OPERATION}session_audio",
    url_name="session_audio",
    summary="Fetch the whole conversation's sound",
    openapi_extra=answers(
        {200: "The whole file.", 206: "The bytes of the WAV file that `Range` asked for."},
        {200: "audio/wav", 206: "audio/wav"},
    ),
)
def session_audio(
    request: Caller, session_id: SessionId, format: Format = "wav"
) -> HttpResponseBase:
    """The whole conversation as it was heard: stereo, the person left and the agent right, 16 bit,
    24 kHz, each sound where it was on the session's clock. What the person did not hear of a reply
    is no part of it. `Range` is understood of `wav`; `flac` comes as a whole.

    404 `no_recording`: nothing of it was recorded, or the recordings were deleted. 413 `too_long`:
    more than half a day, for `wav`."""
    session = get_object_or_404(sessions_of(request.auth), pk=session_id)
    return whole_recording(request, session, session.turns.select_related("latency"), format)


def whole_recording(
    request: HttpRequest,
    session: models.Session,
    turns: Iterable[models.Turn],
    format: Literal["wav", "flac"],
) -> HttpResponseBase:
    """The recording of these turns, which are all of the session's or some. Raises ``ApiError``."""
    whole = WholeRecording.of(lay_out_turns(turns))
    if whole.is_empty:
        message = _("Nothing of this conversation was recorded, or its recordings were deleted.")
        raise ApiError(404, "no_recording", message)
    if format == "flac":
        response: HttpResponseBase = ranges.stream(
            request, flac.encode(whole), content_type="audio/flac"
        )
    elif whole.frames > LONGEST_FRAMES:
        message = _("The conversation is too long for a WAV file. Download it as FLAC.")
        raise ApiError(413, "too_long", message)
    else:
        version = hashlib.sha256(repr(whole).encode()).hexdigest()[:32]
        response = ranges.serve_made(
            request, whole.wav_bytes, whole.wav, content_type="audio/wav", version=version
        )
    name = f"parley-{session.created_at:%Y%m%d-%H%M}-{str(session.pk)[:8]}.{format}"
    response.headers["Content-Disposition"] = f'inline; filename="{name}"'
    return response


@router.get(
    "/{uuid:session_id}/waveform",
    response={200: Waveform, **errors(404, 422)},
    operation_id=f"{OPERATION}session_waveform",
    url_name="session_waveform",
    summary="Read the whole conversation's waveforms",
    openapi_extra=answers({200: "A value for each 20 ms of either side."}),
)
def session_waveform(request: Caller, session_id: SessionId) -> Waveform:
    """How loud both sides were, from the session's start to its last sound: where they stand is
    where they sound in the session's `audio`. What was not recorded is silent."""
    session = get_object_or_404(sessions_of(request.auth), pk=session_id)
    return waveform_of(session.turns.select_related("latency"))


def waveform_of(turns: Iterable[models.Turn]) -> Waveform:
    axis = lay_out_turns(turns)
    user, agent = (b64encode(lane).decode() for lane in peaks.along(axis))
    return Waveform(step_ms=peaks.STEP_MS, duration_ms=axis.ms, user=user, agent=agent)


class TurnChanges(WireModel):
    """What the owner thinks of a turn, as far as it is to change."""

    note: Annotated[Text, Field(max_length=LONGEST_NOTE)] = ""
    """The owner's note on the turn; empty: none."""
    rating: Literal["up", "down"] | None = None
    """The owner's thumb; null: none."""


@router.patch(
    "/{uuid:session_id}/turns/{uuid:turn_id}",
    response={200: Turn, **errors(403, 404, 415, 422)},
    operation_id=f"{OPERATION}change_turn",
    url_name="change_turn",
    summary="Write a note on a turn, or rate it",
    openapi_extra=answers(
        {200: "The turn, with its note and rating as they are now."},
        example={"note": "It answered before I had finished.", "rating": "down"},
    ),
)
def change_turn(
    request: Caller, session_id: SessionId, turn_id: TurnId, changes: TurnChanges
) -> Turn:
    """Keep what the caller thinks of a turn. What is left out stays as it is; what was said and
    measured cannot be changed."""
    get_object_or_404(models.Turn, pk=turn_id, session_id=session_id, session__owner=request.auth)
    session = sessions_of(request.auth).get(pk=session_id)
    turn = turns_of(session).get(pk=turn_id)
    given = changes.model_dump(exclude_unset=True)
    TurnAnnotation.write(turn, **{name: value or "" for name, value in given.items()})
    return Turn.of(turn)

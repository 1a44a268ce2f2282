"""One recording in, one spoken answer out."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import wraps
from typing import Annotated, Any, BinaryIO, cast

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.http.multipartparser import MultiPartParserError
from django.utils.translation import gettext as _
from ninja import FileEx, Form, P, Router, UploadedFile
from ninja.decorators import decorate_view
from pydantic import Field, ValidationError

from interaction.api import schemas
from interaction.api.access import Caller
from interaction.api.document import answers
from interaction.api.door import refuse_unknown
from interaction.api.errors import ApiError, answer_to, errors, of_stage
from interaction.api.one_turn import TurnFailed, TurnResult, answer_recording
from interaction.audio import recordings, wav
from interaction.audio.resample import Resampler
from interaction.core.types import INPUT_SAMPLE_RATE, OUTPUT_SAMPLE_RATE
from interaction.edges.parley import codec
from interaction.sessions import create
from interaction.sessions.settings import (
    Providers,
    SessionSettings,
    Text,
    TurnDetectionChoice,
    WireModel,
)
from interaction.sessions.validation_sentences import explain

router = Router(tags=["orchestrator"])
View = Callable[..., Awaitable[HttpResponseBase]]

WAV, JSON = "audio/wav", "application/json"


class Choices(WireModel):
    """The form's other fields, all optional."""

    providers: Annotated[str, Field(max_length=10_000)] = "{}"
    """Who serves, as JSON and as in `start_session`: `{"stt": {"name": …}, "llm": …, "tts": …}`.
    What is left out is the server's default."""
    system_prompt: Annotated[Text, Field(max_length=20_000)] = ""
    """What the language model is told to be and to do."""
    recording: bool = True
    """Whether the audio of either side is kept. The words are kept in any case."""
    title: Annotated[Text, Field(max_length=200)] = ""
    """A name for the history; empty: it goes by its time."""


Recording = FileEx[
    UploadedFile,
    P(
        description="What was said: WAV, MP3, M4A, MP4, 3GP, AAC, Ogg or WebM (Opus, Vorbis), "
        "FLAC, AIFF, CAF, AU, W64 or AMR. Its content says which, not its name or type."
    ),
]


def parse_form_in_thread(view: View) -> View:
    """Parse the form in a thread, before anything does it on the event loop."""

    @wraps(view)
    async def parsed(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            await sync_to_async(lambda: request.FILES)()
        except (MultiPartParserError, SuspiciousOperation):
            return _broken_form()
        return await view(request, *args, **kwargs)

    return parsed


def _broken_form() -> HttpResponse:
    message = _("The form cannot be read. Send multipart/form-data with a field `file`.")
    return answer_to(ApiError(400, "broken_form", message))


@router.post(
    "orchestrator",
    response={200: schemas.Answer, **errors(403, 413, 415, 422, 502, 503, 504)},
    summary="Answer a recording",
    openapi_extra=answers(
        {
            200: "A WAV file, mono, 16 bit, 24 kHz, with `X-Parley-Session` and `X-Parley-Turn` in "
            "its headers; or the object, with `Accept: application/json`."
        },
        {200: WAV},
    ),
)
@decorate_view(parse_form_in_thread)
async def orchestrate(
    request: Caller, file: Recording, choices: Form[Choices]
) -> HttpResponse | schemas.Answer:
    """One recording in, one spoken answer out. One upload is one turn, whatever pauses it has, and
    is kept in the history like any other. A caller that goes away stops the work.

    The answer is a WAV file, or, with `Accept: application/json`, an object with transcript, reply,
    audio and timeline.
    """
    refuse_unknown([*request.POST, *request.FILES], ["file", *Choices.model_fields])
    pcm = await _decoded(file)
    try:
        result = await answer_recording(lambda: _prepare(request.auth, choices), pcm)
    except TurnFailed as failed:
        raise of_stage(failed.failure) from failed
    sound = wav.wrap(bytes(result.pcm), OUTPUT_SAMPLE_RATE)
    if request.get_preferred_type([WAV, JSON]) == JSON:
        return _as_json(result, sound)
    return HttpResponse(
        sound,
        content_type=WAV,
        headers={
            "X-Parley-Session": str(result.session_id),
            "X-Parley-Turn": str(result.turn_id),
        },
    )


async def _decoded(file: UploadedFile) -> bytes:
    """The recording as mono s16le at ``INPUT_SAMPLE_RATE``. Raises ``AudioRejected``."""
    limit = settings.ENV.parley_max_upload_seconds
    sound = await recordings.read(cast("BinaryIO", file.file), limit)
    resampler = Resampler(sound.rate, INPUT_SAMPLE_RATE)
    return await asyncio.to_thread(lambda: resampler.feed(sound.pcm) + resampler.finish())


def _prepare(owner: Any, choices: Choices) -> create.PreparedSession:
    try:
        providers = Providers.model_validate_json(choices.providers)
    except ValidationError as error:
        message = "providers: " + explain(error)
        raise ApiError(422, "invalid_fields", message) from error
    wanted = SessionSettings(
        **choices.model_dump(exclude={"providers"}),
        providers=providers,
        turn_detection=TurnDetectionChoice(kind="manual"),
    )
    prepared = create.prepare_new(owner, wanted)
    return replace(
        prepared,
        spec=replace(prepared.spec, paced=False),
        settings=prepared.settings.model_copy(update={"input_sample_rate": INPUT_SAMPLE_RATE}),
    )


def _as_json(result: TurnResult, sound: bytes) -> schemas.Answer:
    if result.turn_id is None:
        raise ApiError(500, "internal_error", _("The turn was lost."), retryable=True)
    return schemas.Answer(
        session_id=result.session_id,
        turn_id=result.turn_id,
        transcript=result.transcript,
        reply=result.reply,
        cut=result.cut,
        audio=base64.b64encode(sound).decode(),
        timeline=schemas.Timeline(
            events=[schemas.TimelineEvent(at_ms=at, event=event) for at, event in result.events],
            latency=codec.latency(result.latency),
        ),
    )

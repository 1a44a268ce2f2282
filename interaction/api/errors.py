"""Every answer that is no success has one shape, and says why and what to do."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from interaction.api.door import RequestRefused
from interaction.api.schemas import ErrorBody, ErrorDetail
from interaction.audio.sound import AudioRejected
from interaction.core.news import Failure
from interaction.sessions.create import SessionRefused
from interaction.sessions.validation_sentences import explain_details

MEANINGS = {
    400: "The request cannot be read: `unknown_parameter` (the message names those there are), "
    "`bad_json`, `bad_request`; of a recording, what is wrong with its file.",
    401: "No valid token came, and nobody is signed in: `unauthenticated`.",
    403: "A signed-in browser sent no CSRF token (`csrf_failed`), or this is not the caller's to "
    "do (`not_permitted`).",
    404: "It is not there, or not the caller's: `not_found`; nothing of the session was recorded: "
    "`no_recording`.",
    409: "The session is in progress and cannot be deleted: `session_active`.",
    413: "What was sent is longer (`too_long`) or larger (`too_large`) than the server takes; what "
    "is asked for is longer than its format can be (`too_long`); or too many sessions were chosen "
    "(`too_many`).",
    415: "The body is of a kind that is not taken: `not_json`, or `unsupported_audio`.",
    416: "The file has no such range of bytes: `range_not_satisfiable`.",
    422: "What was sent cannot be used: `invalid_fields` names each field, its limit and what "
    "came; what a session cannot have, and a recording without speech, have codes of their own.",
    500: "A bug: `internal_error`. The server's log has it.",
    502: "A provider or a stage failed: `stage` and `provider` say which.",
    503: "What is needed is not there now: `engine_unavailable`.",
    504: "A provider or a stage took too long: `stage` and `provider` say which.",
}
"""What an answer that is no success means, by its status."""

ANYWHERE = (400, 401, 500)
"""Statuses that are no success, and that any operation may answer with."""


class ApiError(Exception):
    def __init__(self, status: int, code: str, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.detail = ErrorDetail(code=code, message=message, **more)


def errors(*statuses: int) -> dict[int, Any]:
    """Of an operation's ``response``: its answers that are no success, beside those of
    ``ANYWHERE``."""
    return dict.fromkeys(sorted({*ANYWHERE, *statuses}), ErrorBody)


def answer_to(error: ApiError) -> HttpResponse:
    body = ErrorBody(error=error.detail)
    return JsonResponse(body.model_dump(mode="json"), status=error.status)


def of_stage(failed: Failure) -> ApiError:
    """A stage's failure: 422 when nothing was said, 504 when it took too long, else 502."""
    status = {"no_speech": 422, "engine_unavailable": 503, "internal_error": 500}.get(
        failed.code, 504 if failed.code.endswith("timeout") else 502
    )
    return ApiError(
        status,
        failed.code,
        failed.message,
        stage=failed.stage,
        provider=failed.provider,
        retryable=failed.retryable,
    )


def install(api: NinjaAPI) -> None:
    """Have ``api`` answer its errors in our shape."""

    def answer(request: HttpRequest, error: Any) -> HttpResponse:
        return answer_to(_as_api_error(error))

    for kind in (
        ApiError,
        AudioRejected,
        AuthenticationError,
        SessionRefused,
        Http404,
        HttpError,
        RequestRefused,
        ValidationError,
    ):
        api.add_exception_handler(kind, answer)


def _as_api_error(error: Any) -> ApiError:
    match error:
        case ApiError():
            return error
        case AudioRejected(status=status, code=code, message=message):
            return ApiError(status, code, message)
        case RequestRefused(status=status, code=code, message=message):
            return ApiError(status, code, message)
        case SessionRefused(code=code, message=message):
            return ApiError(422, code, message)
        case ValidationError(errors=errors):
            return ApiError(422, "invalid_fields", explain_details(errors, skip=1))
        case Http404():
            return ApiError(404, "not_found", _("There is no such thing here, or not of yours."))
        case AuthenticationError():
            return ApiError(
                401, "unauthenticated", _("Send a valid token: `Authorization: Bearer …`.")
            )
        case HttpError(status_code=400):
            return ApiError(400, "bad_json", _("The body holds no valid JSON."))
        case HttpError(status_code=403):
            return ApiError(
                403, "csrf_failed", _("Send the CSRF token of the page as X-CSRFToken.")
            )
    return ApiError(error.status_code, "bad_request", str(error))

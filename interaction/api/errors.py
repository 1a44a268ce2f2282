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

ERRORS = dict.fromkeys((400, 401, 403, 404, 409, 413, 415, 416, 422, 500, 502, 503, 504), ErrorBody)


class ApiError(Exception):
    def __init__(self, status: int, code: str, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.detail = ErrorDetail(code=code, message=message, **more)


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

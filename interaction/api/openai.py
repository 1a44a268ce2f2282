"""OpenAI's REST beside the realtime socket: models and client secrets, mounted at ``/v1/``."""

from __future__ import annotations

import time
from typing import Annotated, Any, Literal

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from ninja import NinjaAPI, Schema
from ninja.errors import AuthenticationError, HttpError, ValidationError
from pydantic import Field
from redis.exceptions import RedisError

from interaction.api.access import Caller, Token
from interaction.api.door import JsonParser, at_the_door
from interaction.credentials import client_secrets
from interaction.credentials.client_secrets import Grant
from interaction.edges.openai import models
from interaction.edges.openai.errors import ClientError, error, new_id
from interaction.edges.openai.session import Settings
from interaction.sessions.validation_sentences import explain_details

api = NinjaAPI(
    title="Parley for OpenAI's clients",
    version="1",
    urls_namespace="openai",
    auth=[Token()],
    parser=JsonParser(),
    openapi_url=None,
    docs_url=None,
)
api.add_decorator(at_the_door, mode="view")
CREATED_AT = 1_700_000_000
"""Unix time in a model's field ``created``: the protocol wants one, and a model here is a name."""


class ExpiresAfter(Schema):
    anchor: Literal["created_at"] = "created_at"
    seconds: Annotated[int, Field(ge=client_secrets.SHORTEST, le=client_secrets.LONGEST)] = (
        client_secrets.USUAL
    )


class SecretWanted(Schema):
    expires_after: ExpiresAfter = ExpiresAfter()
    session: Annotated[dict[str, Any], Field(default_factory=dict)]


@api.get("models")
def list_models(request: Caller) -> Any:
    """The models that ``/v1/realtime`` can be asked for."""
    return {"object": "list", "data": [_model(name) for name in models.model_names(request.auth)]}


@api.get("models/{path:name}")
def get_model(request: Caller, name: str) -> Any:
    if models.resolve_model(name, request.auth).note:
        raise Http404
    return _model(name)


@api.post("realtime/client_secrets")
def create_client_secret(request: Caller, wanted: SecretWanted) -> Any:
    """A key for a browser: it opens sessions that begin with this configuration."""
    is_transcription = wanted.session.get("type") == "transcription"
    model = str(wanted.session.get("model") or models.DEFAULT)
    expires_at = int(time.time()) + wanted.expires_after.seconds
    settings = Settings(new_id("sess"), model, expires_at, is_transcription=is_transcription)
    settings.update(wanted.session)
    grant = Grant(request.auth.pk, wanted.session)
    value, expires_at = client_secrets.mint(grant, wanted.expires_after.seconds)
    return {"value": value, "expires_at": expires_at, "session": settings.echo()}


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": CREATED_AT, "owned_by": "parley"}


def _answer_error(request: HttpRequest, wrong: Any) -> HttpResponse:
    """An error in the shape that OpenAI's clients read."""
    match wrong:
        case AuthenticationError():
            code, status = "invalid_api_key", 401
            message = _("Send a valid token: `Authorization: Bearer …`.")
        case ClientError():
            return error_answer(400, wrong.code, wrong.message, wrong.param)
        case ValidationError():
            first = wrong.errors[0]
            param = ".".join(str(part) for part in first["loc"][2:])
            message = explain_details([first], skip=2)
            return error_answer(400, "invalid_value", message, param)
        case Http404():
            code, status, message = "model_not_found", 404, _("There is no such model here.")
        case HttpError(status_code=400):
            code, status, message = "invalid_json", 400, _("The body holds no valid JSON.")
        case RedisError():
            code, status, message = "server_error", 503, _("Redis does not answer.")
        case _:
            code, status, message = "invalid_request", wrong.status_code, str(wrong)
    return error_answer(status, code, message)


def error_answer(status: int, code: str, message: str, param: str | None = None) -> HttpResponse:
    """An answer that is no success, in the shape that OpenAI's clients read."""
    kind = "server_error" if status >= 500 else "invalid_request_error"
    body = error(code, message, kind=kind, param=param)["error"]
    del body["event_id"]
    return JsonResponse({"error": body}, status=status)


for _kind in (AuthenticationError, ClientError, ValidationError, Http404, HttpError, RedisError):
    api.add_exception_handler(_kind, _answer_error)

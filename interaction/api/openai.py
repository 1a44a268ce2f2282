"""OpenAI's REST beside the realtime socket: models and client secrets, mounted at ``/v1/``."""

from __future__ import annotations

import time
from typing import Annotated, Any, Literal

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from ninja import P, PathEx
from ninja.errors import AuthenticationError, HttpError, ValidationError
from pydantic import Field
from redis.exceptions import RedisError

from interaction.api.access import Caller, Token
from interaction.api.document import DescribedAPI, answers
from interaction.api.door import LONGEST_NAME, JsonParser, at_the_door
from interaction.credentials import client_secrets
from interaction.credentials.client_secrets import Grant
from interaction.edges.openai import models
from interaction.edges.openai.errors import ClientError, error, new_id
from interaction.edges.openai.session import Settings, unknown_field
from interaction.sessions.settings import WireModel
from interaction.sessions.validation_sentences import explain_details

MEANINGS = {
    400: "The request cannot be used: `invalid_json`, `invalid_value`, `unknown_parameter`.",
    401: "No valid token came: `invalid_api_key`.",
    404: "There is no model of that name: `model_not_found`.",
    415: "The body is not called JSON: `not_json`.",
    500: "A bug: `server_error`. The server's log has it.",
    503: "Redis, which keeps client secrets, does not answer: `server_error`.",
}
"""What an answer that is no success means, by its status."""

api = DescribedAPI(
    title="Parley for OpenAI's clients",
    version="1",
    description="What OpenAI's clients ask for beside the Realtime socket. A token goes into "
    "`Authorization: Bearer …`; a cookie opens nothing here.",
    openapi_extra={
        "tags": [{"name": "openai", "description": "As OpenAI's own API answers, for its clients."}]
    },
    refusals=MEANINGS,
    urls_namespace="openai",
    auth=[Token()],
    parser=JsonParser(),
    openapi_url=None,
    docs_url=None,
)
api.add_decorator(at_the_door, mode="view")
CREATED_AT = 1_700_000_000
"""Unix time in a model's field ``created``: the protocol wants one, and a model here is a name."""


class OpenAIErrorDetail(WireModel):
    """What went wrong, as OpenAI's clients read it."""

    type: Literal["invalid_request_error", "server_error"]
    """Whether the caller is to change something, or the server is to blame."""
    code: str
    """For programs: one of the listed codes."""
    message: str
    """For people: what went wrong, and what to do about it."""
    param: str | None
    """The parameter or field that is wrong; null where none is."""


class OpenAIErrorBody(WireModel):
    """The body of every answer under `/v1/` that is no success."""

    error: OpenAIErrorDetail
    """The one thing that went wrong first."""


class OpenAIModel(WireModel):
    """A cascade that `/v1/realtime` can be asked for, as OpenAI lists models."""

    id: str
    """Its name: `default`, `mine`, or `STT/LLM/TTS`."""
    object: Literal["model"] = "model"
    """What this is, in OpenAI's words."""
    created: int = CREATED_AT
    """Unix time, the same for all: a model here is a name."""
    owned_by: str = "parley"
    """Whose it is, in OpenAI's words."""


class OpenAIModelList(WireModel):
    """The cascades that `/v1/realtime` can be asked for."""

    object: Literal["list"] = "list"
    """What this is, in OpenAI's words."""
    data: list[OpenAIModel]
    """The default one first."""


class ExpiresAfter(WireModel):
    """When a client secret ceases to open sessions."""

    anchor: Literal["created_at"] = "created_at"
    """From when it is counted: from now, as the secret is made."""
    seconds: Annotated[int, Field(ge=client_secrets.SHORTEST, le=client_secrets.LONGEST)] = (
        client_secrets.USUAL
    )
    """How long it opens sessions, in seconds. A session that is open goes on."""


class SecretWanted(WireModel):
    """A client secret that is to be made."""

    expires_after: ExpiresAfter = ExpiresAfter()
    """When it ceases to open sessions."""
    session: Annotated[dict[str, Any], Field(default_factory=dict)]
    """How every session begins that it opens: the fields of a `session.update`."""


class ClientSecret(WireModel):
    """A key for a browser."""

    value: str
    """The key itself, `ek_…`. It is shown only here."""
    expires_at: int
    """Until when it opens sessions, Unix time in seconds."""
    session: dict[str, Any]
    """How they begin: OpenAI's session object, its defaults filled in."""


def errors(*statuses: int) -> dict[int, Any]:
    """Of an operation's ``response``: its answers that are no success."""
    return dict.fromkeys(sorted({400, 401, 500, *statuses}), OpenAIErrorBody)


@api.get(
    "models",
    response={200: OpenAIModelList, **errors()},
    tags=["openai"],
    summary="List the models",
    openapi_extra=answers({200: "The models, the default one first."}),
)
def list_models(request: Caller) -> Any:
    """The models that `/v1/realtime` can be asked for: each usable provider, with defaults for the
    other stages. Any combination may be asked for, listed or not."""
    return OpenAIModelList(data=[OpenAIModel(id=name) for name in models.model_names(request.auth)])


ModelName = PathEx[str, P(description="`default`, `mine`, or `STT/LLM/TTS`.")]


@api.get(
    "models/{path:name}",
    response={200: OpenAIModel, **errors(404)},
    tags=["openai"],
    summary="Look a model up",
    openapi_extra=answers({200: "The model: there is one of that name."}),
)
def get_model(request: Caller, name: ModelName) -> Any:
    """Whether `/v1/realtime` would serve this model, rather than the default one in its place."""
    if models.resolve_model(name, request.auth).note:
        raise Http404
    return OpenAIModel(id=name)


@api.post(
    "realtime/client_secrets",
    response={200: ClientSecret, **errors(415, 503)},
    tags=["openai"],
    summary="Make a client secret",
    openapi_extra=answers(
        {200: "The secret, and how its sessions begin."},
        example={
            "expires_after": {"anchor": "created_at", "seconds": 600},
            "session": {"type": "realtime", "instructions": "You are brief."},
        },
    ),
)
def create_client_secret(request: Caller, wanted: SecretWanted) -> Any:
    """A short-lived key for a browser: it opens sessions that begin with this configuration. A
    field that the protocol does not have is refused: `unknown_parameter`."""
    is_transcription = wanted.session.get("type") == "transcription"
    model = str(wanted.session.get("model") or models.DEFAULT)
    expires_at = int(time.time()) + wanted.expires_after.seconds
    settings = Settings(new_id("sess"), model, expires_at, is_transcription=is_transcription)
    settings.update(wanted.session)
    if field := unknown_field(wanted.session):
        raise ClientError(*_unknown_parameter(f"session.{field}"))
    grant = Grant(request.auth.pk, wanted.session)
    value, expires_at = client_secrets.mint(grant, wanted.expires_after.seconds)
    return ClientSecret(value=value, expires_at=expires_at, session=settings.echo())


def _unknown_parameter(name: str) -> tuple[str, str, str]:
    """Code, message and param."""
    message = _("There is no parameter “%(name)s” here.") % {"name": name[:LONGEST_NAME]}
    return "unknown_parameter", message, name[:LONGEST_NAME]


def _answer_error(request: HttpRequest, wrong: Any) -> HttpResponse:
    """An error in the shape that OpenAI's clients read."""
    match wrong:
        case AuthenticationError():
            code, status = "invalid_api_key", 401
            message = _("Send a valid token: `Authorization: Bearer …`.")
        case ClientError():
            return error_answer(400, wrong.code, wrong.message, wrong.param)
        case ValidationError():
            return _answer_invalid(wrong.errors[0])
        case Http404():
            code, status, message = "model_not_found", 404, _("There is no such model here.")
        case HttpError(status_code=400):
            code, status, message = "invalid_json", 400, _("The body holds no valid JSON.")
        case RedisError():
            code, status, message = "server_error", 503, _("Redis does not answer.")
        case _:
            code, status, message = "invalid_request", wrong.status_code, str(wrong)
    return error_answer(status, code, message)


def _answer_invalid(first: dict[str, Any]) -> HttpResponse:
    param = ".".join(str(part) for part in first["loc"][2:])
    if first["type"] == "extra_forbidden":
        return error_answer(400, *_unknown_parameter(param))
    return error_answer(400, "invalid_value", explain_details([first], skip=2), param)


def error_answer(status: int, code: str, message: str, param: str | None = None) -> HttpResponse:
    """An answer that is no success, in the shape that OpenAI's clients read."""
    kind = "server_error" if status >= 500 else "invalid_request_error"
    body = error(code, message, kind=kind, param=param)["error"]
    del body["event_id"]
    return JsonResponse({"error": body}, status=status)


for _kind in (AuthenticationError, ClientError, ValidationError, Http404, HttpError, RedisError):
    api.add_exception_handler(_kind, _answer_error)

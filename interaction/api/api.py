"""The REST API, mounted at ``/api/v1/``. OpenAPI: ``/api/v1/openapi.json``; to read:
``/api/v1/docs``.

``voiceproject/urls.py`` adds what other apps answer (sessions and their turns, health).
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from interaction.api import errors, json_schemas, models, orchestrator, providers, templates
from interaction.api.access import SignedIn, Token
from interaction.api.document import DescribedAPI
from interaction.api.door import JsonParser, at_the_door

TAGS = {
    "orchestrator": "One recording in, one spoken answer out: a whole turn in one request.",
    "sessions": "Conversations: to be made, looked up and deleted, with their turns and sound.",
    "batches": "Many sessions exported or deleted in the background.",
    "share links": "Addresses at which others see a session or a turn, read only.",
    "retention": "For how long the caller's sessions are kept.",
    "providers": "Who can hear, think and speak for the caller, and what they chose last.",
    "templates": "Prompts that are offered on the voice page; the admin site changes them.",
    "models": "Models of the speech recogniser that runs on the server itself.",
    "schemas": "JSON Schemas of everything that is sent, for generators and validators.",
    "status": "What goes on in the installation now.",
    "health": "Whether the server is alive and ready. These alone need no token.",
}
"""What belongs together, in the order in which it is read."""

api = DescribedAPI(
    title="Parley",
    version="1",
    description="Spoken conversations by REST: a recording answered in one request, sessions that "
    "are then held over the socket, and everything that was kept of them.\n\n"
    "Send `Authorization: Bearer pt_…` (`manage.py api_token USERNAME` makes a token), or be "
    "signed in; unsafe methods then need `X-CSRFToken`. Everybody sees their own sessions; those "
    "of others are not there (404). A parameter or field that is not listed is refused.\n\n"
    "Times are ISO 8601 in UTC, durations are milliseconds, and what is unknown is null, never 0.",
    openapi_extra={"tags": [{"name": name, "description": text} for name, text in TAGS.items()]},
    refusals=errors.MEANINGS,
    urls_namespace="api",
    auth=[Token(), SignedIn()],
    parser=JsonParser(),
    openapi_url=None,  # ours, below, needs sign-in like everything else
    docs_url=None,  # its pages load scripts from elsewhere; ours is interaction.api.reference
)
errors.install(api)
api.add_decorator(at_the_door, mode="view")
api.add_router("", orchestrator.router)
api.add_router("interaction", providers.router)
api.add_router("interaction/templates", templates.router)
api.add_router("interaction/models", models.router)
api.add_router("schemas", json_schemas.router)


@api.get("openapi.json", include_in_schema=False, url_name="openapi")
def openapi(request: HttpRequest) -> Any:
    return api.get_openapi_schema()

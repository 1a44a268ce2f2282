"""The REST API, mounted at ``/api/v1/``. OpenAPI: ``/api/v1/openapi.json``.

``voiceproject/urls.py`` adds what other apps answer (sessions and their turns, health).
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import NinjaAPI

from interaction.api import errors, json_schemas, models, orchestrator, providers, templates
from interaction.api.access import SignedIn, Token
from interaction.api.door import JsonParser, at_the_door

api = NinjaAPI(
    title="Parley",
    version="1",
    description="Spoken conversations: sessions, turns, recordings, and one-shot voice in, "
    "voice out. The socket is described in docs/protocol.md.",
    urls_namespace="api",
    auth=[Token(), SignedIn()],
    parser=JsonParser(),
    openapi_url=None,  # ours, below, needs sign-in like everything else
    docs_url=None,  # its pages load scripts from elsewhere
)
errors.install(api)
api.add_decorator(at_the_door, mode="view")
api.add_router("", orchestrator.router)
api.add_router("interaction", providers.router)
api.add_router("interaction/templates", templates.router)
api.add_router("interaction/models", models.router)
api.add_router("schemas", json_schemas.router)


@api.get("openapi.json", include_in_schema=False)
def openapi(request: HttpRequest) -> Any:
    return api.get_openapi_schema()

"""The JSON Schemas of everything that is sent, as they are kept in the repository."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from ninja import Router

from interaction.edges import json_schemas

router = Router(tags=["schemas"])


@router.get("/{name}.json", response={200: None}, operation_id="interaction_api_schemas_get_schema")
def get_schema(request: HttpRequest, name: str) -> HttpResponse:
    """``session``, ``turn``, ``utterance``, ``task``, ``agent_message``, ``error``, or the type
    of any message on the socket."""
    if name not in json_schemas.NAMES:
        raise Http404
    body = json_schemas.path_of(name).read_text()
    return HttpResponse(body, content_type="application/schema+json")

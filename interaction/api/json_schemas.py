"""The JSON Schemas of everything that is sent, as they are kept in the repository."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from ninja import P, PathEx, Router

from interaction.api.document import answers
from interaction.api.errors import errors
from interaction.edges import json_schemas

router = Router(tags=["schemas"])


SchemaName = PathEx[
    str,
    P(
        description="`session`, `created_session`, `turn`, `utterance`, `agent_message`, `task`, "
        "`answer`, `api_error`, or the `type` of any message on the socket."
    ),
]


@router.get(
    "/{name}.json",
    response={200: None, **errors(404)},
    operation_id="interaction_api_schemas_get_schema",
    summary="Read a JSON Schema",
    openapi_extra=answers(
        {200: "The schema, in the 2020-12 dialect."}, {200: "application/schema+json"}
    ),
)
def get_schema(request: HttpRequest, name: SchemaName) -> HttpResponse:
    """The JSON Schema of what is sent, generated from the models that the server itself uses."""
    if name not in json_schemas.NAMES:
        raise Http404
    body = json_schemas.path_of(name).read_text()
    return HttpResponse(body, content_type="application/schema+json")

"""The OpenAPI document: what Ninja makes of the operations, completed by what it cannot know."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from http.client import responses as HTTP_PHRASES
from typing import Any

from ninja import NinjaAPI

Document = dict[str, Any]

SECURITY = {
    "Token": "A program's token: `manage.py api_token USERNAME` makes one.",
    "SignedIn": "The cookie of a browser in which somebody has signed in; unsafe methods need "
    "`X-CSRFToken` beside it.",
}
"""Who may call, by the class that lets them in."""


def answers(
    texts: Mapping[int, str], files: Mapping[int, str] | None = None, example: Any = None
) -> dict[str, Any]:
    """The ``openapi_extra`` of an operation.

    ``texts``: what each successful answer holds, by status. ``files``: media types of those that
    are no JSON. ``example``: a body that may be sent, as JSON.
    """
    extra: dict[str, Any] = {"responses": {}}
    for status, text in texts.items():
        extra["responses"][status] = {"description": text}
    for status, kind in (files or {}).items():
        binary = {"type": "string", "format": "binary", "description": "The file's bytes."}
        extra["responses"][status]["content"] = {kind: {"schema": binary}}
    if example is not None:
        extra["requestBody"] = {"content": {"application/json": {"example": example}}}
    return extra


class DescribedAPI(NinjaAPI):
    """An API whose OpenAPI document is complete: nothing in it goes without a description."""

    def __init__(self, *args: Any, refusals: Mapping[int, str], **kwargs: Any) -> None:
        """``refusals``: what an answer that is no success means, by its status."""
        super().__init__(*args, **kwargs)
        self._refusals = refusals

    def get_openapi_schema(self, *args: Any, **kwargs: Any) -> Any:
        document = super().get_openapi_schema(*args, **kwargs)
        for methods in document["paths"].values():
            for operation in methods.values():
                self._describe_refusals(operation["responses"])
        for name, scheme in document["components"].get("securitySchemes", {}).items():
            scheme["description"] = SECURITY[name]
        _drop_unused_schemas(document)
        return document

    def _describe_refusals(self, responses: dict[int, Any]) -> None:
        for status, response in responses.items():
            if response["description"] == HTTP_PHRASES.get(status):
                response["description"] = self._refusals[status]


def _drop_unused_schemas(document: Document) -> None:
    """Ninja also lists the models that it made single parameters of."""
    schemas = document["components"]["schemas"]
    while unused := schemas.keys() - set(
        re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document, default=str))
    ):
        for name in unused:
            del schemas[name]

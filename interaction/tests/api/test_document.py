"""Everything that the API's documents name is described, in other words than its name."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from http.client import responses
from typing import Any

import pytest

import voiceproject.urls  # noqa: F401 - adds the operations of other apps
from interaction.api.api import api
from interaction.api.openai import api as openai
from interaction.edges import json_schemas

DOCUMENTS = {"rest": api.get_openapi_schema(), "openai": openai.get_openapi_schema()}
MESSAGES = {
    path.stem: json.loads(text)
    for path, text in json_schemas.generated().items()
    if path.stem in json_schemas.NAMES
}
FILLING = {
    *("a", "an", "and", "are", "as", "by", "for", "from", "has", "in", "is", "it", "its", "of"),
    *("on", "or", "that", "the", "this", "to"),
}


def says_nothing(name: str, description: str | None) -> bool:
    """Whether a description has no word that the name has not."""
    words = set(re.findall(r"[a-z0-9]+", (description or "").lower()))
    own = set(re.findall(r"[a-z0-9]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()))
    return len(words - FILLING - own - {f"{word}s" for word in own}) < 2


def undescribed(place: str, schema: dict[str, Any]) -> Iterator[str]:
    """Objects and fields below a schema that lack a description."""
    if "properties" in schema and "MultiPartBodyParams" not in schema.get("title", ""):
        name = schema.get("title", place)
        if says_nothing(name, schema.get("description")):
            yield f"{place}: {name}"
    for name, field in schema.get("properties", {}).items():
        if says_nothing(name, field.get("description")):
            yield f"{place}.{name}"
    for name, part in schema.get("$defs", {}).items():
        yield from undescribed(f"{place}/{name}", part)


@pytest.mark.parametrize("name", sorted(MESSAGES))
def test_every_field_of_a_schema_is_described(name: str) -> None:
    assert list(undescribed(name, MESSAGES[name])) == []


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_every_object_of_a_document_is_described(name: str) -> None:
    schemas = DOCUMENTS[name]["components"]["schemas"]
    assert [lack for name in schemas for lack in undescribed(name, schemas[name])] == []
    tags = {tag["name"]: tag["description"] for tag in DOCUMENTS[name]["tags"]}
    assert [tag for tag, text in tags.items() if says_nothing(tag, text)] == []
    used = {tag for _, operation in operations(name) for tag in operation["tags"]}
    assert used == set(tags)
    for scheme in DOCUMENTS[name]["components"]["securitySchemes"].values():
        assert scheme["description"]


def operations(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in DOCUMENTS[name]["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


OPERATIONS = [one for name in DOCUMENTS for one in operations(name)]


@pytest.mark.parametrize(("place", "operation"), OPERATIONS, ids=[one[0] for one in OPERATIONS])
def test_every_part_of_an_operation_is_described(place: str, operation: dict[str, Any]) -> None:
    function = operation["operationId"].rpartition("_")[2]
    assert len(operation["summary"].split()) > 1
    assert not says_nothing(f"{function} {operation['summary']}", operation.get("description"))
    for parameter in operation["parameters"]:
        assert not says_nothing(parameter["name"], parameter.get("description")), parameter["name"]
    for status, response in operation["responses"].items():
        assert response["description"] not in ("", responses[status]), status
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        assert list(undescribed(kind, content["schema"])) == []
    assert any(status < 300 for status in operation["responses"])


def test_what_takes_json_shows_some() -> None:
    for place, operation in OPERATIONS:
        content = operation.get("requestBody", {}).get("content", {})
        if "application/json" in content:
            assert content["application/json"]["example"], place


@pytest.mark.parametrize(
    ("name", "text", "empty"),
    [
        *(("reply_id", text, True) for text in ("", None, "The reply id.", "Reply ID", "Its id.")),
        *(("SessionPage", text, True) for text in ("A session page.", "The page of sessions.")),
        *(("count", text, False) for text in ("How many there are.", "Sessions on all pages.")),
    ],
)
def test_a_repetition_is_no_description(name: str, text: str | None, empty: bool) -> None:
    assert says_nothing(name, text) == empty

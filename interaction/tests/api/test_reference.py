"""The API's reference as a page: complete, linked, and what it shows can be run as it stands."""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections import Counter
from dataclasses import dataclass, field
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

import voiceproject.urls  # noqa: F401 - adds the operations of other apps
from interaction.api.api import api
from interaction.api.openai import api as openai
from interaction.api.reference import prose
from interaction.api.reference.fields import field as field_of
from interaction.api.reference.operations import Operation, groups
from interaction.edges import json_schemas

ADDRESS = "/api/v1/docs"
BASE = "http://testserver"
DOCUMENTS = [api.get_openapi_schema(), openai.get_openapi_schema()]
OPERATIONS = [
    operation
    for document in DOCUMENTS
    for group in groups(document, BASE, {})
    for operation in group.operations
]


@dataclass
class Seen(HTMLParser):
    """The anchors of a page, where its links lead, and what it runs."""

    ids: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    inline: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if "id" in given:
            self.ids.append(str(given["id"]))
        if tag == "a":
            self.links.append(str(given.get("href")))
        if tag == "style" or (tag == "script" and "src" not in given) or "style" in given:
            self.inline.append(tag)


@pytest.fixture
def html(at_home: Client) -> str:
    response = at_home.get(ADDRESS)
    assert response.status_code == 200
    assert response["Content-Type"] == "text/html; charset=utf-8"
    return response.content.decode()


@pytest.fixture
def seen(html: str) -> Seen:
    found = Seen()
    found.feed(html)
    return found


def test_every_link_within_leads_somewhere_and_nothing_runs(seen: Seen) -> None:
    assert [name for name, count in Counter(seen.ids).items() if count > 1] == []
    within = {link[1:] for link in seen.links if link.startswith("#")}
    assert within - set(seen.ids) == set()
    assert len(within) > 120
    assert seen.inline == []


def test_every_operation_message_and_code_has_its_place(seen: Seen) -> None:
    assert {operation.anchor for operation in OPERATIONS} <= set(seen.ids)
    assert len({operation.anchor for operation in OPERATIONS}) == len(OPERATIONS)
    for name in json_schemas.CLIENT | json_schemas.SERVER:
        assert f"message-{name}" in seen.ids
    for document in DOCUMENTS:
        for name in document["components"]["schemas"]:
            assert f"object-{name}" in seen.ids
    assert {"what-is-no-success-csrf_failed", "the-socket-no_speech"} <= set(seen.ids)


def test_objects_of_one_name_are_the_same_on_all_edges() -> None:
    fields: dict[str, set[str]] = {}
    parts = [
        *(part for document in DOCUMENTS for part in document["components"]["schemas"].items()),
        *(
            part
            for name in json_schemas.CLIENT | json_schemas.SERVER
            for part in json_schemas.schema_of(name).get("$defs", {}).items()
        ),
    ]
    for name, part in parts:
        assert fields.setdefault(name, set(part.get("properties", ()))) == set(
            part.get("properties", ())
        ), name


def test_the_frame_has_the_persons_language_and_descriptions_say_theirs(at_home: Client) -> None:
    page = at_home.get(ADDRESS, headers={"Accept-Language": "zh-TW"}).content.decode()
    assert '<html lang="zh-hant">' in page
    for section in ("protocol-the-socket", "protocol-timing", "openai"):
        assert re.search(rf'<section id="{section}"[^>]* lang="en"', page)
    assert '<span class="flag" lang="zh-hant">' in page


def test_it_is_a_page_for_whoever_is_signed_in(client: Client, at_home: Client) -> None:
    assert '"/api/v1/docs"' in at_home.get("/settings/").content.decode()
    stranger = Client()
    response = stranger.get(ADDRESS)
    assert response.status_code == 302
    assert response["Location"] == f"/sign-in/?next={ADDRESS}"
    assert "default-src 'self'" in response["Content-Security-Policy"]
    refused = at_home.post(ADDRESS)
    assert refused.status_code == 405
    assert refused["Content-Type"] == "text/html; charset=utf-8"
    assert at_home.get(f"{ADDRESS}/more")["Content-Type"] == "application/json"


@dataclass
class Requests:
    """Plays the library of that name, with the test's client for a network."""

    client: Client
    asked: list[tuple[str, str]] = field(default_factory=list)

    def __getattr__(self, method: str) -> Any:
        def ask(url: str, *, timeout: int, **given: Any) -> Any:
            self.asked.append((method.upper(), url))
            more: dict[str, Any] = {"headers": given.get("headers", {})}
            if "json" in given:
                more |= {"data": json.dumps(given["json"]), "content_type": "application/json"}
            if "params" in given:
                more["query_params"] = given["params"]
            if "files" in given:
                more["data"] = {
                    name: SimpleUploadedFile(name, content)
                    for name, content in given["files"].items()
                }
            answer = getattr(self.client, method)(url.removeprefix(BASE), **more)
            self.answer = answer
            return SimpleNamespace(
                raise_for_status=lambda: None, json=dict, content=b"", answer=answer
            )

        return ask


NAMES = {"name": "tiny-en", "template_id": 1}


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: f"{one.method} {one.path}")
def test_the_examples_in_python_run_and_reach_their_operation(
    operation: Operation,
    token: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Any,
) -> None:
    monkeypatch.setattr("interaction.api.models.start_fetch", lambda model: None)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "question.wav").write_bytes(b"no sound")
    requests = Requests(Client(raise_request_exception=False))
    monkeypatch.setitem(sys.modules, "requests", requests)
    ids = dict.fromkeys(re.findall(r"{(\w+)}", operation.path), str(UUID(int=0)))
    given = ids | {name: value for name, value in NAMES.items() if name in ids}
    exec(operation.python, {"token": token, "print": lambda text: None, **given})
    assert len(requests.asked) == 1
    assert requests.asked[0] == (operation.method, BASE + operation.path.format(**given))
    # What it asks for may not be there; what it sends is understood.
    wanted = {404} if ids else {200, 201, 202}
    if operation.path.endswith(("ready", "client_secrets")):
        wanted = {200, 503}  # whether or not another test has left a Redis
    wanted |= {415} if operation.body_kind.startswith("multipart") else set()
    wanted |= {200, 403} if "name" in ids else set()
    assert requests.answer.status_code in wanted, requests.answer.content


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: f"{one.method} {one.path}")
def test_the_examples_for_curl_say_the_same(operation: Operation) -> None:
    words = shlex.split(operation.curl.replace("\\\n", ""))
    assert words[0] == "curl"
    method = words[words.index("-X") + 1] if "-X" in words else "GET"
    if "-d" in words or "-F" in words:
        method = method if "-X" in words else "POST"
    assert method == operation.method
    address = re.sub(r"\$(\w+)", lambda found: f"{{{found[1].lower()}}}", words[-1])
    assert address.partition("?")[0] == BASE + operation.path
    if "-d" in words:
        json.loads(words[words.index("-d") + 1])


@pytest.mark.parametrize(
    ("schema", "type", "limits"),
    [
        ({"type": "string", "maxLength": 64}, "text", "at most 64 characters"),
        ({"type": "string", "format": "uuid"}, "UUID", ""),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "whole number or null", ""),
        ({"type": "integer", "minimum": 1, "maximum": 200}, "whole number", "1 to 200"),
        ({"type": "integer", "minimum": 1, "maximum": 2**63 - 1}, "whole number", "at least 1"),
        (
            {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
            "number",
            "more than 0, less than 1",
        ),
        ({"enum": ["a", "b"]}, "<code>&quot;a&quot;</code> or <code>&quot;b&quot;</code>", ""),
        ({"const": 1}, "<code>1</code>", ""),
        (
            {"type": "array", "items": {"type": "string"}, "maxItems": 4},
            "list of text",
            "at most 4 entries",
        ),
        ({"$ref": "#/$defs/A"}, '<a href="#object-A">A</a>', ""),
        ({"allOf": [{"$ref": "#/$defs/A"}]}, '<a href="#object-A">A</a>', ""),
        ({"type": "object", "additionalProperties": {"type": "string"}}, "object of text", ""),
        ({"type": "object", "additionalProperties": True}, "object", ""),
        ({}, "anything", ""),
    ],
)
def test_types_are_said_in_words(schema: Any, type: str, limits: str) -> None:
    said = field_of("x", schema, required=True)
    assert (said.type, said.limits) == (type, limits)
    assert said.required


def test_what_stands_in_descriptions_is_no_html() -> None:
    assert "<script>" not in prose.description("<script>x</script> `<b>`")
    assert "<script>" not in prose.phrase("<script>x</script>")
    assert prose.with_codes("`no_speech`", {"no_speech": "here"}) == (
        '<p><a href="#here"><code>no_speech</code></a></p>\n'
    )


def test_a_section_that_a_document_lacks_is_noticed() -> None:
    with pytest.raises(LookupError):
        prose.section("protocol", "Nothing of that name")

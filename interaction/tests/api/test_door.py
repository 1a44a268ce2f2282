"""No request of any shape breaks the server: what makes no sense is refused, and said so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interaction.api.api import api
from interaction.tests.edges.client import validator

DOCUMENT = api.get_openapi_schema()
SESSIONS = "/api/v1/interaction/sessions"
PREFERENCES = "/api/v1/interaction/preferences"
SECRETS = "/v1/realtime/client_secrets"

ODD_JSON = [
    *("", "{", "[", "nul", "{'a': 1}", '{"title": }', '{"a": 1,}', "[" * 100_000, '{"a":' * 10_000),
    *("NaN", "Infinity", "-Infinity", '{"template_id": NaN}', '{"template_id": 1e400}'),
    *('"\\ud800"', '{"title": "\\ud800"}', '{"\\udfff": 1}', '{"title": "\\udc00\\ud800"}'),
    *("1", "null", "true", '""', "[]", "[{}]", '{"title": 1}', '{"title": null}', '{"title": []}'),
    *('{"title": "\\u0000"}', '{"title": "a\\u0000b"}', '{"time_zone": "\\u0000"}'),
    *('{"tools": ["\\u0000"]}', '{"tools": "a"}', '{"tools": {}}', '{"\\u0000": 1}'),
    *('{"template_id": 100000000000000000000}', '{"template_id": -1}', '{"template_id": 0}'),
    *('{"template_id": 9223372036854775808}', '{"template_id": 1.5}'),
    *('{"template_id": %s}' % ("9" * 5_000), '{"input_sample_rate": 16000.5}'),
    *('{"recording": "perhaps"}', '{"recording": 2}', '{"mode": "\\u0000"}', '{"mode": []}'),
    *('{"turn_detection": {"threshold": 1e-400}}', '{"turn_detection": {"silence_ms": 1e30}}'),
    *('{"providers": {"stt": {"name": "\\ud800"}}}', '{"providers": {"stt": "openai"}}'),
    '{"fallbacks": {"stt": [{}, {}, {}, {}, {}]}}',
]


@pytest.fixture
def program(token: str) -> Client:
    return Client(headers={"authorization": f"Bearer {token}"}, raise_request_exception=False)


def check_refused(response: Any) -> None:
    assert 400 <= response.status_code < 500, response.content
    if response.wsgi_request.path_info.startswith("/api"):
        validator("api_error").validate(response.json())
    assert response.json()["error"]["message"]


@pytest.mark.parametrize("body", [text for text in ODD_JSON if text], ids=lambda text: text[:40])
def test_a_body_that_makes_no_sense_is_refused(program: Client, body: str) -> None:
    for send, path in ((program.post, SESSIONS), (program.patch, PREFERENCES)):
        check_refused(send(path, body, content_type="application/json"))


@pytest.mark.parametrize(
    "body", [b"\xff", b"\xef\xbb\xbf{}", '{"title": "é"}'.encode("latin-1"), "{}".encode("utf-16")]
)
def test_a_body_that_is_no_utf_8_is_refused(program: Client, body: bytes) -> None:
    for path in (SESSIONS, SECRETS):
        check_refused(program.post(path, body, content_type="application/json"))


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/x-www-form-urlencoded", "application/xml", "json", "text/json", ""],
)
def test_a_body_of_another_type_is_refused(program: Client, kind: str) -> None:
    for send, path in (
        (program.post, SESSIONS),
        (program.patch, PREFERENCES),
        (program.post, SECRETS),
    ):
        response = send(path, b"{}", content_type=kind)
        assert response.status_code == 415
        assert response.json()["error"]["code"] == "not_json"


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "application/vnd.x+json"])
def test_json_by_another_name_is_json(program: Client, kind: str) -> None:
    assert program.post(SESSIONS, b"{}", content_type=kind).status_code == 201


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def parameters(operation: dict[str, Any], where: str) -> list[str]:
    return [one["name"] for one in operation.get("parameters", ()) if one["in"] == where]


OPERATIONS = [(path, method, operation) for path, method, operation in operations()]


@pytest.mark.parametrize(
    ("path", "method", "operation"), OPERATIONS, ids=lambda part: str(part)[:60]
)
def test_a_parameter_that_nobody_knows_is_refused_with_those_there_are(
    db: None, program: Client, path: str, method: str, operation: dict[str, Any]
) -> None:
    for name in parameters(operation, "path"):
        value = "7" if "template" in name else "00000000-0000-0000-0000-000000000000"
        path = path.replace(f"{{{name}}}", value)
    response = getattr(program, method)(f"{path}?colour=red")
    assert response.status_code == 400
    error = response.json()["error"]
    assert error["code"] == "unknown_parameter"
    assert "colour" in error["message"]
    for known in parameters(operation, "query"):
        assert known in error["message"]


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/default"])
def test_openais_clients_are_told_too(program: Client, path: str) -> None:
    error = program.get(f"{path}?colour=red").json()["error"]
    assert (error["code"], error["param"]) == ("unknown_parameter", "colour")


def test_a_form_field_that_nobody_knows_is_refused(program: Client) -> None:
    response = program.post("/api/v1/orchestrator", {"file": _file(), "titel": "Mine"})
    assert response.status_code == 400
    assert "titel" in response.json()["error"]["message"]
    assert "system_prompt" in response.json()["error"]["message"]


def _file() -> Any:
    return SimpleUploadedFile("a.wav", b"RIFF")


ODD_TEXTS = st.one_of(
    st.sampled_from(
        [
            *("", "\0", " ", "0", "-0", "nan", "inf", "-inf", "1e400", "null", "true", "[]", "{}"),
            *(str(10**20), str(-(10**20)), str(2**63), str(2**31), "9" * 5_000, "1_0", "٣", "１"),
            *("9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00", "9999-12-31", "0001-01-01"),
            *("0000-00-00", "10000-01-01", "-1-01-01", "2026-02-30", "2026-11-25T24:00:00Z"),
            *(
                "2026-11-25T12:00:00+99:99",
                "1e12",
                "-62135596800",
                "253402300800",
                "99999999999999",
            ),
            *("%", "%%%", "_", "\\", "'", "';--", "☃" * 200, "a" * 10_000, "\u202e", "\ufeff"),
            "00000000-0000-0000-0000-000000000000",
        ]
    ),
    st.text(max_size=40),
)
ODD_VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**70), 2**70),
        st.floats(),
        ODD_TEXTS,
        st.sampled_from(["\ud800", "\udfff", "a\udc00", "\ud83d"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=5), st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=6,
)


def resolve(schema: dict[str, Any]) -> dict[str, Any]:
    if reference := schema.get("$ref"):
        found: dict[str, Any] = DOCUMENT["components"]["schemas"][reference.rpartition("/")[2]]
        return found
    return schema


def bodies(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Bodies with the fields of a schema, each as it should be in depth, or odd."""
    schema = resolve(schema)
    if "anyOf" in schema:
        return st.one_of(ODD_VALUES, *(bodies(one) for one in schema["anyOf"]))
    if fields := schema.get("properties"):
        wanted: dict[str, Any] = {name: bodies(field) for name, field in fields.items()}
        return st.one_of(st.fixed_dictionaries({}, optional=wanted), ODD_VALUES)
    if schema.get("type") == "array":
        return st.one_of(st.lists(bodies(schema["items"]), max_size=40), ODD_VALUES)
    return ODD_VALUES


@pytest.mark.uncounted
@pytest.mark.parametrize(
    ("path", "method", "operation"), OPERATIONS, ids=lambda part: str(part)[:60]
)
@settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    database=None,
)
@given(data=st.data())
def test_nothing_that_is_sent_breaks_the_server(
    monkeypatch: pytest.MonkeyPatch,
    program: Client,
    path: str,
    method: str,
    operation: dict[str, Any],
    data: st.DataObject,
) -> None:
    monkeypatch.setattr("interaction.api.models.start_fetch", lambda model: None)
    for name in parameters(operation, "path"):
        path = path.replace(f"{{{name}}}", quote(data.draw(ODD_TEXTS, name), safe="") or "x")
    query = {name: data.draw(ODD_TEXTS, name) for name in parameters(operation, "query")}
    query = {name: value for name, value in query.items() if data.draw(st.booleans())}
    address = path + "?" + "&".join(f"{name}={quote(value)}" for name, value in query.items())
    content = operation.get("requestBody", {}).get("content", {})
    more: dict[str, Any] = {}
    if "application/json" in content:
        body = data.draw(bodies(content["application/json"]["schema"]))
        more = {"data": json.dumps(body), "content_type": "application/json"}
    elif content:
        fields = resolve(content["multipart/form-data"]["schema"])["properties"]
        more = {"data": {name: data.draw(ODD_TEXTS, name) for name in fields} | {"file": _file()}}
    response = getattr(program, method)(address, **more)
    if response.status_code >= 400:
        assert response.status_code < 500 or path.endswith("/health/ready"), response.content
        assert response["Content-Type"].startswith("application/json")

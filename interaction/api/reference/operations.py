"""The operations of an OpenAPI document, as the page shows them, with what calls them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.safestring import SafeString

from interaction.api.reference import prose
from interaction.api.reference.fields import Field, Schema, field, fields_of, type_of

JSON, FORM = "application/json", "multipart/form-data"


@dataclass(frozen=True, slots=True)
class Answer:
    """What an operation may answer."""

    status: int
    description: SafeString
    content: list[tuple[str, SafeString]]
    """Media types, each with the type of what it holds; empty where there is no body."""


@dataclass(frozen=True, slots=True)
class Operation:
    method: str
    path: str
    anchor: str
    summary: str
    description: SafeString
    parameters: list[Field]
    body_kind: str
    """The body's media type; empty where it takes none."""
    body: list[Field]
    successes: list[Answer]
    refusals: list[Answer]
    curl: str
    python: str


@dataclass(frozen=True, slots=True)
class Group:
    """Operations that belong together."""

    name: str
    anchor: str
    description: SafeString
    operations: list[Operation]


def groups(document: Mapping[str, Any], base: str, codes: Mapping[str, str]) -> list[Group]:
    """The operations of an OpenAPI document by their tags.

    ``base``: the server's address, without a slash at its end. ``codes``: anchors of the codes of
    errors, by code.
    """
    return [
        Group(
            tag["name"],
            f"rest-{tag['name']}",
            prose.description(tag["description"]),
            [_operation(document, base, codes, *one) for one in _tagged(document, tag["name"])],
        )
        for tag in document["tags"]
    ]


def _tagged(document: Mapping[str, Any], tag: str) -> Iterator[tuple[str, str, Schema]]:
    for path, methods in document["paths"].items():
        for method, details in methods.items():
            if tag in details["tags"]:
                yield method.upper(), path, details


def _operation(
    document: Mapping[str, Any],
    base: str,
    codes: Mapping[str, str],
    method: str,
    path: str,
    details: Schema,
) -> Operation:
    bodies: dict[str, Any] = details.get("requestBody", {}).get("content", {})
    kind = next(iter(bodies), "")
    content: dict[str, Any] = bodies.get(kind, {})
    found = [_answer(status, response, codes) for status, response in details["responses"].items()]
    example = _Example(method, base + path, details, kind, content.get("example"))
    return Operation(
        method=method,
        path=path,
        anchor=f"{method.lower()}-{prose.slug(path.replace('/', '-')).strip('-')}",
        summary=details["summary"],
        description=prose.description(details["description"]),
        parameters=[
            field(one["name"], one["schema"], one["required"]) for one in details["parameters"]
        ],
        body_kind=kind,
        body=fields_of(_resolved(document, content.get("schema", {}))),
        successes=[one for one in found if one.status < 400],
        refusals=[one for one in found if one.status >= 400],
        curl=example.curl(),
        python=example.python(),
    )


def _resolved(document: Mapping[str, Any], schema: Schema) -> Schema:
    name = schema.get("$ref", "").rpartition("/")[2]
    found: Schema = document["components"]["schemas"][name] if name else schema
    return found


def _answer(status: int, response: Schema, codes: Mapping[str, str]) -> Answer:
    content = [
        (kind, type_of(part["schema"])) for kind, part in response.get("content", {}).items()
    ]
    return Answer(status, prose.with_codes(response["description"], codes), content)


@dataclass(frozen=True, slots=True)
class _Example:
    """A call of an operation, to be copied: what it needs, and no more."""

    method: str
    url: str
    details: Schema
    body_kind: str
    body: Any

    def curl(self) -> str:
        words = ["curl" if self.method in ("GET", "POST") else f"curl -X {self.method}"]
        if self.method == "POST" and not self.body_kind:
            words = ["curl -X POST"]
        if self._needs_token:
            words.append('-H "Authorization: Bearer $TOKEN"')
        if self.body_kind == JSON:
            words.append(f'-H "Content-Type: {JSON}"')
            words.append(f"-d '{json.dumps(self.body)}'")
        if self.body_kind == FORM:
            words.append("-F file=@question.wav")
        if self._file:
            words.append(f"-o {self._file}")
        address = re.sub(r"{(\w+)}", lambda found: f"${found[1].upper()}", self.url)
        return " \\\n  ".join([*words, f'"{address}{self._query}"'])

    def python(self) -> str:
        lines = ["import requests", ""]
        if self._file:
            lines.insert(0, "from pathlib import Path\n")
        address = f'"{self.url}"'
        given = ["timeout=60"]
        if "{" in self.url:
            address = f"f{address}"
        if self._query:
            given.insert(0, f"params={self._required!r}".replace("'", '"'))
        if self._needs_token:
            given.insert(0, 'headers={"Authorization": f"Bearer {token}"}')
        if self.body_kind == JSON:
            given.append(f"json={_as_python(self.body)}")
        if self.body_kind == FORM:
            given.append('files={"file": Path("question.wav").read_bytes()}')
        lines.append(f"answer = requests.{self.method.lower()}(")
        lines += [f"    {one}," for one in (address, *given)]
        lines += [")", "answer.raise_for_status()"]
        if self._file:
            lines.append(f'Path("{self._file}").write_bytes(answer.content)')
        elif 204 not in self.details["responses"]:
            lines.append("print(answer.json())")
        return "\n".join(lines)

    @property
    def _needs_token(self) -> bool:
        return bool(self.details.get("security"))

    @property
    def _required(self) -> dict[str, str]:
        """Parameters of the query that cannot be left out, each with the first value it takes."""
        return {
            one["name"]: one["schema"]["enum"][0]
            for one in self.details["parameters"]
            if one["in"] == "query" and one["required"]
        }

    @property
    def _query(self) -> str:
        return "".join(f"?{name}={value}" for name, value in self._required.items())

    @property
    def _file(self) -> str:
        """Where an answer that is sound goes; empty for one that is text."""
        kinds = self.details["responses"].get(200, {}).get("content", {})
        return "answer.wav" if "audio/wav" in kinds else ""


def _as_python(value: Any) -> str:
    text = json.dumps(value, indent=4).replace("\n", "\n    ")
    for word, python in (("true", "True"), ("false", "False"), ("null", "None")):
        text = re.sub(rf"(: |\[){word}\b", rf"\g<1>{python}", text)
    return text

"""The page itself."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from interaction.api.api import api
from interaction.api.openai import api as openai
from interaction.api.reference import prose
from interaction.api.reference.fields import Described, described
from interaction.api.reference.operations import groups
from interaction.edges import json_schemas


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """What a program can ask of Parley, to read. The frame is in the person's language, what it
    frames in English."""
    base = request.build_absolute_uri("/").rstrip("/")
    rest, openais = documents()
    refusals = prose.section("protocol", "What is no success")
    openai_section = prose.section("openai-realtime", "OpenAI's Realtime protocol")
    context = {
        "introduction": prose.description(rest["info"]["description"]),
        "groups": groups(rest, base, refusals.codes),
        "refusals": refusals,
        "socket": prose.section("protocol", "The socket"),
        "timing": prose.section("protocol", "Timing"),
        "directions": messages(),
        "openai": openai_section,
        "openai_groups": groups(openais, base, openai_section.codes),
        "objects": objects(),
    }
    return render(request, "interaction/reference.html", context)


@cache
def documents() -> tuple[Any, Any]:
    """The OpenAPI documents of both APIs; they do not change while the server runs."""
    return api.get_openapi_schema(), openai.get_openapi_schema()


@cache
def messages() -> list[tuple[str, list[tuple[Described, str]]]]:
    """Who sends (``client``, ``server``), and the messages that they may send, each with an
    example."""
    shown = prose.examples()
    return [
        (side, [_message(name, shown[name], sent=side == "client") for name in names])
        for side, names in (("client", json_schemas.CLIENT), ("server", json_schemas.SERVER))
    ]


def _message(name: str, example: str, *, sent: bool) -> tuple[Described, str]:
    return described(name, json_schemas.schema_of(name), sent=sent), example


@cache
def objects() -> list[Described]:
    """Whatever operations and messages are made of, by name."""
    parts = {
        name: part
        for document in documents()
        for name, part in document["components"]["schemas"].items()
    }
    for name in json_schemas.CLIENT | json_schemas.SERVER:
        parts = json_schemas.schema_of(name).get("$defs", {}) | parts
    # Those that are sent have a default for every field.
    return [described(name, parts[name], sent=False) for name in sorted(parts)]

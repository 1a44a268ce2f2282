"""What every request of the REST APIs passes before it is looked at: its body is JSON, and none of
its parameters is unknown."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable
from functools import wraps
from typing import Any, cast

from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext as _
from ninja.operation import Operation
from ninja.parser import Parser
from pydantic_core import from_json

LONGEST_NAME = 64
"""Characters of an unknown name that an answer quotes."""

Run = Callable[..., HttpResponseBase]


class JsonParser(Parser):
    """JSON as the sockets read it: neither NaN nor halves of surrogate pairs, which Python's own
    parser lets pass and no database takes."""

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        """Raises ValueError."""
        return cast("dict[str, Any]", from_json(request.body, allow_inf_nan=False))


class RequestRefused(Exception):
    """The request is not looked at any further; ``message`` is for the person, ``code`` for
    programs."""

    def __init__(self, status: int, code: str, message: str, param: str | None = None) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message
        self.param = param


def refuse_unknown(given: Iterable[str], known: Collection[str]) -> None:
    """A misspelt parameter would narrow nothing, and nobody would notice. Raises
    ``RequestRefused``."""
    unknown = next((name for name in given if name not in known), None)
    if unknown is None:
        return
    name = unknown[:LONGEST_NAME]
    if known:
        message = _("There is no parameter “%(name)s” here. There are: %(known)s.")
    else:
        message = _("There is no parameter “%(name)s” here: this address takes none.")
    words = {"name": name, "known": ", ".join(known)}
    raise RequestRefused(400, "unknown_parameter", message % words, name)


def at_the_door(run: Run) -> Run:
    """Decorates the ``run`` of an operation, for ``NinjaAPI.add_decorator(…, mode="view")``."""
    operation: Operation = cast("Any", inspect.unwrap(run)).__self__
    known = [
        name
        for model in operation.models
        if model.__ninja_param_source__ == "query"
        for name in cast("Any", model).__ninja_flatten_map__
    ]
    takes_json = any(model.__ninja_param_source__ == "body" for model in operation.models)

    @wraps(run)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        refuse_unknown(request.GET, known)
        if takes_json and not _may_be_json(request):
            message = _("Send a JSON object, with `Content-Type: application/json`.")
            raise RequestRefused(415, "not_json", message)
        return run(request, *args, **kwargs)

    return checked


def _may_be_json(request: HttpRequest) -> bool:
    """Whether the body is called JSON, or is not there."""
    kind = request.content_type or ""
    empty = request.META.get("CONTENT_LENGTH") in ("", "0", None) and not kind
    return empty or kind == "application/json" or kind.endswith("+json")

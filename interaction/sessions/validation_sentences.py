"""What is wrong with a message or a body, in a person's words: which field, which limit, what came.

Pydantic's own sentences are for programmers ("at most 10000 items after validation", of a text),
and English. Nothing of what stood in a field is quoted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from pydantic import ValidationError

MOST = 5
"""Sentences; who mends these will see the others."""

Detail = Mapping[str, Any]
"""One of Pydantic's error details: ``type``, ``loc``, ``ctx`` and, where known, ``input``."""


def explain(error: ValidationError, *, skip: int = 0) -> str:
    """The sentences about an error. ``skip``: parts of each location that are no field."""
    return explain_details(error.errors(include_url=False), skip=skip)


def explain_details(details: Sequence[Detail], *, skip: int = 0) -> str:
    """The same for details that a framework has collected."""
    sentences = []
    for detail in details:
        field = ".".join(str(part) for part in detail["loc"][skip:])
        sentence = _sentence(detail)
        sentences.append(f"{field}: {sentence}" if field else sentence)
    return " ".join(dict.fromkeys(sentences[:MOST]))


def _sentence(detail: Detail) -> str:
    kind, context = detail["type"], detail.get("ctx") or {}
    if kind in SIMPLE:
        return SIMPLE[kind]()
    if kind in LIMITS:
        return LIMITS[kind](context)
    if kind in ("string_too_long", "too_long", "bytes_too_long"):
        return _too_long(detail, context)
    if kind in ("string_too_short", "too_short", "bytes_too_short"):
        return _too_short(detail, context)
    if kind in ("literal_error", "enum"):
        return _("This must be %(choices)s.") % {"choices": context.get("expected", "")}
    for beginning, sentence in WANTED.items():
        if kind.startswith(beginning):
            return sentence()
    return _("This value cannot be used here.")


def _too_long(detail: Detail, context: Mapping[str, Any]) -> str:
    most, came = context.get("max_length", 0), _length(detail, context)
    if _is_text(detail):
        wanted = ngettext("At most %(most)s character", "At most %(most)s characters", most)
    else:
        wanted = ngettext("At most %(most)s entry", "At most %(most)s entries", most)
    return _with_what_came(wanted % {"most": f"{most:,}"}, came)


def _too_short(detail: Detail, context: Mapping[str, Any]) -> str:
    least, came = context.get("min_length", 0), _length(detail, context)
    if least == 1:
        return _("This must not be empty.")
    if _is_text(detail):
        wanted = ngettext("At least %(least)s character", "At least %(least)s characters", least)
    else:
        wanted = ngettext("At least %(least)s entry", "At least %(least)s entries", least)
    return _with_what_came(wanted % {"least": f"{least:,}"}, came)


def _with_what_came(wanted: str, came: int | None) -> str:
    if came is None:
        return _("%(wanted)s.") % {"wanted": wanted}
    return _("%(wanted)s; %(came)s came.") % {"wanted": wanted, "came": f"{came:,}"}


def _is_text(detail: Detail) -> bool:
    """Pydantic calls a text "too_long" too, like a list, where its limit comes after a check."""
    if detail["type"].startswith("string"):
        return True
    field_type = (detail.get("ctx") or {}).get("field_type", "")
    return isinstance(detail.get("input"), str) or field_type in ("Value", "String")


def _length(detail: Detail, context: Mapping[str, Any]) -> int | None:
    if isinstance(actual := context.get("actual_length"), int):
        return actual
    value = detail.get("input")
    return len(value) if isinstance(value, str | bytes | list | dict) else None


SIMPLE: dict[str, Callable[[], str]] = {
    "missing": lambda: _("This field is missing."),
    "extra_forbidden": lambda: _("There is no such field."),
    "blank_text": lambda: _("There is nothing to answer: this text is empty."),
    "nul_character": lambda: _("This text holds a NUL character. Leave it out."),
    "string_unicode": lambda: _("This text is no valid Unicode."),
    "json_invalid": lambda: _("This is no valid JSON."),
    "finite_number": lambda: _("This must be a finite number."),
    "int_from_float": lambda: _("This must be a whole number."),
    "int_parsing_size": lambda: _("This number is too large."),
    "union_tag_invalid": lambda: _("There is no such type."),
    "union_tag_not_found": lambda: _("The type is missing."),
    "timezone_naive": lambda: _("The time zone is missing."),
    "timezone_aware": lambda: _("This time must name its zone."),
}
LIMITS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "greater_than": lambda ctx: _("This must be more than %(limit)s.") % {"limit": ctx["gt"]},
    "greater_than_equal": lambda ctx: _("This must be at least %(limit)s.") % {"limit": ctx["ge"]},
    "less_than": lambda ctx: _("This must be less than %(limit)s.") % {"limit": ctx["lt"]},
    "less_than_equal": lambda ctx: _("This must be at most %(limit)s.") % {"limit": ctx["le"]},
    "multiple_of": lambda ctx: (
        _("This must be a multiple of %(limit)s.") % {"limit": ctx["multiple_of"]}
    ),
}
WANTED: dict[str, Callable[[], str]] = {
    "string": lambda: _("This must be text."),
    "int": lambda: _("This must be a whole number."),
    "float": lambda: _("This must be a number."),
    "decimal": lambda: _("This must be a number."),
    "bool": lambda: _("This must be true or false."),
    "list": lambda: _("This must be a list."),
    "tuple": lambda: _("This must be a list."),
    "set": lambda: _("This must be a list."),
    "dict": lambda: _("This must be an object."),
    "model": lambda: _("This must be an object."),
    "mapping": lambda: _("This must be an object."),
    "uuid": lambda: _("This must be a UUID."),
    "datetime": lambda: _("This must be a date and time, such as 2026-11-20T09:00:00Z."),
    "date": lambda: _("This must be a date, such as 2026-11-20."),
    "time": lambda: _("This must be a time."),
    "url": lambda: _("This must be an address, such as https://example.com."),
    "json": lambda: _("This is no valid JSON."),
}
"""What is wanted, by the beginning of the error's type."""

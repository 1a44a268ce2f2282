"""Text from providers as valid Unicode.

A server that cuts its text by UTF-16 units sends half of a surrogate pair in one delta (JSON
``"\\ud83d"``) and the other half in the next. Python holds a lone half in a ``str``, but cannot
encode it: a database, a socket or a log would fail. So each text is made valid where it enters:
halves that belong together are joined, and a half without the other becomes U+FFFD. NUL, which
PostgreSQL refuses, is left out.
"""

from __future__ import annotations

import re

HIGH = re.compile(r"[\ud800-\udbff]\Z")
"""The first half of a pair, at the end of a text."""
INVALID = re.compile(r"[\ud800-\udfff\0]")
JSON_ESCAPES = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(?P<invalid>u[dD][89a-fA-F][0-9a-fA-F]{2}|u0000)|.)",
    re.DOTALL,
)
"""An escape of JSON: a whole pair, half of one, NUL, or any other."""


def valid_text(text: str) -> str:
    """The text with its halves joined, or replaced by U+FFFD, and without NUL."""
    if not INVALID.search(text):
        return text
    return (
        text.replace("\0", "").encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    )


def valid_arguments(arguments: str) -> str:
    """The JSON of a tool call's arguments, also valid once its escapes are read."""

    def whole(escape: re.Match[str]) -> str:
        return "\\ufffd" if escape["invalid"] else escape[0]

    return JSON_ESCAPES.sub(whole, valid_text(arguments))


class ValidTextStream:
    """Makes deltas valid: half of a pair waits for the other one, in the next delta."""

    def __init__(self) -> None:
        self.text = ""
        """All valid text so far."""
        self._half = ""

    def feed(self, delta: str) -> str:
        """What can be handed on now; it may be empty."""
        text = self._half + delta
        self._half = text[-1] if HIGH.search(text) else ""
        return self._append(text[: len(text) - len(self._half)])

    def finish(self) -> str:
        """No more deltas come: what a half that still waits becomes. Empty where none waits."""
        half, self._half = self._half, ""
        return self._append(half)

    def _append(self, text: str) -> str:
        valid = valid_text(text)
        self.text += valid
        return valid

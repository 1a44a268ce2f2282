"""What the filters of an answer's text have in common: marks are found however the text is cut."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod

OPENS_QUOTE = re.compile(r"[`“‘„«「『]\Z|(?:^|[\s(])[\"']\Z")
"""A code or quotation mark that opens, at the end of a text."""


def is_quoted(before: str) -> bool:
    """Whether what follows ``before`` is in code or quotation marks: it is only spoken of."""
    return bool(OPENS_QUOTE.search(before[-2:]))


class MarkFilter(ABC):
    """Reads character by character, so that the size of the pieces never changes what comes."""

    def __init__(self) -> None:
        self._mark = ""
        """What may become a mark."""
        self._out: list[str] = []

    def feed(self, text: str) -> str:
        """What of it, and of what waited, is text of the answer; it may be empty."""
        for character in text:
            self._read(character)
        return self._taken()

    def _taken(self) -> str:
        text = "".join(self._out)
        self._out.clear()
        return text

    def _grow_mark(self, character: str) -> None:
        """Add to what may become a mark; what can be none any more is read as text."""
        mark, self._mark = self._mark + character, ""
        if self._is_mark(mark):
            self._on_mark(mark)
        elif self._may_become_mark(mark):
            self._mark = mark
        else:
            self._append(mark[0])
            for one in mark[1:]:
                self._read(one)

    @abstractmethod
    def _read(self, character: str) -> None: ...

    @abstractmethod
    def _append(self, text: str) -> None:
        """Pass on what is text."""

    @abstractmethod
    def _is_mark(self, text: str) -> bool: ...

    @abstractmethod
    def _may_become_mark(self, text: str) -> bool: ...

    @abstractmethod
    def _on_mark(self, mark: str) -> None: ...

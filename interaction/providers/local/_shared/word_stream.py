"""Text as a language model would stream it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from interaction.providers.stage_protocols import AnswerCut

_HAN = r"\u3000-\u9fff\uff00-\uffef"
_WORD = re.compile(rf"\s*(?:[{_HAN}]|[^\s{_HAN}]+)|\s+$")


def words(text: str) -> list[str]:
    """Cut a text into words, each with the space before it, and 漢字 one by one."""
    return _WORD.findall(text)


def stream_words(text: str, max_tokens: int | None) -> Iterator[str | AnswerCut]:
    """A text as it is to be streamed, cut at ``max_tokens``: a word is a token here."""
    every = words(text)
    yield from every[:max_tokens]
    if max_tokens is not None and len(every) > max_tokens:
        yield AnswerCut("length")

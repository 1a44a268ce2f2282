"""Text as a language model would stream it."""

from __future__ import annotations

import re

_HAN = r"\u3000-\u9fff\uff00-\uffef"
_WORD = re.compile(rf"\s*(?:[{_HAN}]|[^\s{_HAN}]+)|\s+$")


def words(text: str) -> list[str]:
    """Cut a text into words, each with the space before it, and 漢字 one by one."""
    return _WORD.findall(text)

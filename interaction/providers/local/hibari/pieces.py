"""A text as the library can read it, in pieces of which none takes long."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

LONGEST = 240
"""Characters of a piece: some fifteen seconds of speech, made in a few tenths of a second."""
LONGEST_WORD = 60
"""Characters without white space between them: the library takes a second for 200 hyphens and
digits, and minutes for 3,000."""

_RUN_OF_MARKS = re.compile(r"([^\w\s])\1{3,}")
_RUN_OF_DIGITS = re.compile(r"\d{16,}")


def readable(text: str) -> str:
    """The same in plain letters and digits, without runs of marks; what is no number that anybody
    would say as one is spelled."""
    text = unicodedata.normalize("NFKC", text)
    text = _RUN_OF_MARKS.sub(r"\1\1\1", text)
    return _RUN_OF_DIGITS.sub(lambda run: spelled(run[0]), text)


def spelled(text: str) -> str:
    """Letters and digits alone, each for itself."""
    return " ".join(filter(str.isalnum, text))


def cut(sentence: str) -> Iterator[str]:
    """In pieces of ``LONGEST`` characters at most, between words where that can be."""
    piece = ""
    for word in _words(sentence):
        if piece and len(piece) + 1 + len(word) > LONGEST:
            yield piece
            piece = word
        else:
            piece = f"{piece} {word}" if piece else word
    if piece:
        yield piece


def _words(sentence: str) -> Iterator[str]:
    for word in sentence.split():
        for start in range(0, len(word), LONGEST_WORD):
            yield word[start : start + LONGEST_WORD]

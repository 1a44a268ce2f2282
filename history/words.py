"""The words of a text as a search compares them: the same for SQLite and PostgreSQL.

Case, accents and forms of letters (full width, ligatures) make no difference. Of scripts that put
no space between words every character is a word, and every pair of neighbours as well: so a search
finds any part of a sentence, and still looks up rare pairs rather than frequent characters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final, NamedTuple

from interaction.core.languages import SCRIPTS

LONGEST = 64
"""Characters of a word that are compared."""

_UNSPACED_SCRIPTS = ("Hiragana", "Hangul", "Han", "Bopomofo", "Thai", "Lao", "Myanmar", "Khmer")
_UNSPACED = "".join(SCRIPTS[name][0] for name in _UNSPACED_SCRIPTS) + "々〇"
_MARKS = "".join(
    char for code in range(0x300, 0x10000) if unicodedata.category(char := chr(code))[0] == "M"
)
"""Signs that belong to the letter before them, such as vowels of Devanagari."""
_RUN = re.compile(rf"(?P<unspaced>[{_UNSPACED}]+)|(?:(?![{_UNSPACED}_])[\w{_MARKS}])+")
_ACCENTS: Final = dict.fromkeys(range(0x300, 0x370))


class Word(NamedTuple):
    text: str
    """Folded: letters, digits and marks alone."""
    start: int
    end: int
    """Where it stands in the text, in characters."""
    pair: bool = False
    """Whether it is two neighbours of an unspaced script."""
    unspaced: bool = False


def words(text: str) -> Iterator[Word]:
    """In their order. Of an unspaced run ``ABC``: A, AB, B, BC, C."""
    for run in _RUN.finditer(text):
        if run["unspaced"]:
            yield from _characters(run[0], run.start())
        elif word := fold(run[0]):
            yield Word(word, run.start(), run.end())


def fold(word: str) -> str:
    """Without case, accents and other forms of the same letters."""
    if not word.isascii():
        word = unicodedata.normalize("NFKD", word).casefold().translate(_ACCENTS)
        word = unicodedata.normalize("NFKC", word).casefold()
    return _plain(word.lower())[:LONGEST]


def _plain(word: str) -> str:
    """Some letters unfold to what is no part of a word, even to spaces."""
    if word.isalnum():
        return word
    return "".join(char for char in word if char.isalnum() or char in _MARKS)


def _characters(run: str, start: int) -> Iterator[Word]:
    before = ""
    for at, char in enumerate(run, start):
        folded = _plain(unicodedata.normalize("NFKC", char))
        if before and folded:
            yield Word(before + folded, at - 1, at + 1, pair=True, unspaced=True)
        if folded:
            yield Word(folded, at, at + 1, unspaced=True)
        before = folded

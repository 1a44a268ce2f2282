"""Cuts a reply into sentences while it is being written.

It decides character by character, so the cuts do not depend on the pieces in which the text
arrives; the sentences, joined, are the text.
"""

from __future__ import annotations

ENDS = ".!?…"
"""Sentence marks that end a sentence where white space follows."""
WIDE_ENDS = "。！？｡"
"""Sentence marks that end one without white space (Chinese, Japanese)."""
CLOSERS = "\"'”’»)]}*_`」』）】"
"""What may come between a sentence mark and the white space."""
CLAUSE_ENDS = ",;:—–"
WIDE_CLAUSE_ENDS = "，、；："

FIRST_CLAUSE = 32
"""The first piece may end at a comma from this many characters on: synthesis starts sooner."""
FIRST_WIDE_CLAUSE = 8
"""The same for a clause mark without white space."""
SHORTEST = 12
"""A later piece with fewer characters is joined to the next one: it is too short to sound well."""
LONGEST = 400
"""A piece without a sentence mark ends at the first space after this many characters."""

ABBREVIATIONS = frozenset(
    (
        *("mr", "mrs", "ms", "dr", "prof", "sr", "jr", "st", "vs", "etc", "e.g", "i.e", "approx"),
        *("dept", "est", "fig", "inc", "ltd", "co", "corp", "no", "vol", "a.m", "p.m", "u.s"),
        *("jan", "feb", "mar", "apr", "jun", "jul", "aug", "sept", "oct", "nov", "dec", "u.k"),
    )
)
"""Abbreviations after which a number goes on with the sentence: ``No. 5``, ``Jan. 3``."""
NEVER_LAST = frozenset(("mr", "mrs", "ms", "dr", "prof", "st", "vs", "e.g", "i.e", "fig", "approx"))
"""Abbreviations after which a sentence goes on even where a capital letter follows."""


class SentenceSplitter:
    """``feed`` text as it comes, then ``finish``; each returns the pieces that became complete,
    with their white space."""

    def __init__(self) -> None:
        self._open = ""
        self._first = True

    @property
    def open(self) -> str:
        """The text so far that belongs to no complete piece."""
        return self._open

    def feed(self, text: str) -> list[str]:
        pieces = []
        for character in text:
            if self._open and self._ends_before(character):
                pieces.append(self._open)
                self._open = ""
                self._first = False
            self._open += character
        return pieces

    def finish(self) -> list[str]:
        rest, self._open = self._open, ""
        return [rest] if rest else []

    def _ends_before(self, following: str) -> bool:
        """Whether what is open is a piece of its own, now that ``following`` comes after it."""
        if following.isspace():
            return False
        text = self._open.rstrip()
        if not text:
            return False
        spaced = len(text) < len(self._open)
        core = text.rstrip(CLOSERS)
        if not spaced:
            return self._wide_end(text, core, following)
        if "\n" in self._open[len(text) :]:
            return self._long_enough(text)
        if core and core[-1] in ENDS + WIDE_ENDS and not _goes_on(core, following):
            return self._long_enough(text)
        if self._first and len(text) >= FIRST_CLAUSE and text[-1] in CLAUSE_ENDS:
            return True
        return len(text) >= LONGEST

    def _wide_end(self, text: str, core: str, following: str) -> bool:
        """Chinese and Japanese put no space after a full stop."""
        if following in CLOSERS + WIDE_ENDS or not core:
            return False
        if core[-1] in WIDE_ENDS:
            return True
        return self._first and len(text) >= FIRST_WIDE_CLAUSE and text[-1] in WIDE_CLAUSE_ENDS

    def _long_enough(self, text: str) -> bool:
        return self._first or len(text) >= SHORTEST


def _goes_on(core: str, following: str) -> bool:
    """Whether the full stop at the end of ``core`` ends no sentence."""
    if core[-1] != ".":
        return False
    if following.islower():
        return True
    word = core.rsplit(maxsplit=1)[-1].lstrip("\"'“‘«(*_").rstrip(".").lower()
    if len(word) == 1 and word.isalpha() and word != "i":
        return True  # an initial
    if word.isdigit() and core.rpartition("\n")[2].strip() == f"{word}.":
        return True  # the number of a list's item
    return word in NEVER_LAST or (word in ABBREVIATIONS and following.isdigit())

"""Cuts a reply into sentences while it is being written.

It decides character by character, so how the text arrives in pieces never changes the cuts, and
what it gives, joined, is the text that went in.
"""

from __future__ import annotations

ENDS = ".!?…"
WIDE_ENDS = "。！？｡"
CLOSERS = "\"'”’»)]}*_`」』）】"
CLAUSE_ENDS = ",;:—–"
WIDE_CLAUSE_ENDS = "，、；："

FIRST_CLAUSE = 32
"""The first piece may end at a comma once it has this many characters: the voice starts sooner."""
FIRST_WIDE_CLAUSE = 8
SHORTEST = 12
"""A later piece with fewer characters waits for the next one: too short to speak well alone."""
LONGEST = 400
"""A text without any full stop is cut at a space after this many characters."""

ABBREVIATIONS = frozenset(
    (
        *("mr", "mrs", "ms", "dr", "prof", "sr", "jr", "st", "vs", "etc", "e.g", "i.e", "approx"),
        *("dept", "est", "fig", "inc", "ltd", "co", "corp", "no", "vol", "a.m", "p.m", "u.s"),
        *("jan", "feb", "mar", "apr", "jun", "jul", "aug", "sept", "oct", "nov", "dec", "u.k"),
    )
)
"""Those after which a number goes on with the sentence: ``No. 5``, ``Jan. 3``."""
NEVER_LAST = frozenset(("mr", "mrs", "ms", "dr", "prof", "st", "vs", "e.g", "i.e", "fig", "approx"))
"""Those after which a sentence goes on even where a capital letter follows."""


class SentenceSplitter:
    """``feed`` text as it comes, then ``finish``; each returns the pieces that became complete.

    A piece keeps its white space: joined, the pieces are the text.
    """

    def __init__(self) -> None:
        self._open = ""
        self._first = True

    @property
    def open(self) -> str:
        """What belongs to no complete piece yet."""
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
        said = self._open.rstrip()
        if not said:
            return False
        spaced = len(said) < len(self._open)
        core = said.rstrip(CLOSERS)
        if not spaced:
            return self._wide_end(said, core, following)
        if "\n" in self._open[len(said) :]:
            return self._long_enough(said)
        if core and core[-1] in ENDS + WIDE_ENDS and not _goes_on(core, following):
            return self._long_enough(said)
        if self._first and len(said) >= FIRST_CLAUSE and said[-1] in CLAUSE_ENDS:
            return True
        return len(said) >= LONGEST

    def _wide_end(self, said: str, core: str, following: str) -> bool:
        """Chinese and Japanese put no space after a full stop."""
        if following in CLOSERS + WIDE_ENDS or not core:
            return False
        if core[-1] in WIDE_ENDS:
            return True
        return self._first and len(said) >= FIRST_WIDE_CLAUSE and said[-1] in WIDE_CLAUSE_ENDS

    def _long_enough(self, said: str) -> bool:
        return self._first or len(said) >= SHORTEST


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

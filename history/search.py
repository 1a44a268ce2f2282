"""Finding conversations by words that were said, and where in them.

What is searched of a session is one line of words (``stream``): its title and what either side
said, each text led by a mark that names it. No word can hold the mark, so no phrase reaches from
one text into the next.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple, Self

from django.db import connections
from django.db.models import F, Q
from django.db.models.expressions import RawSQL
from django.db.models.lookups import In

from history.words import Word, words

MARK = "\ue000"
LONGEST_STREAM = 1_000_000
"""Bytes: PostgreSQL indexes no more of one row. What comes after is not found."""
SHORTEST_PREFIX = 2

_QUOTED = re.compile(r"[\"“”„«»]([^\"“”„«»]*)[\"“”„«»]|[「『]([^」』]*)[」』]")


class Place(NamedTuple):
    """A text of a session."""

    sequence: int
    """The turn's; 0 for the title."""
    side: str
    """``t``: the title; ``u``: the person; ``a``: the agent."""


class Term(NamedTuple):
    """Words that follow each other."""

    words: tuple[str, ...]
    prefix: bool = False
    """Whether the last one may go on."""

    @property
    def needle(self) -> str:
        """What a stream that has the term holds."""
        return f" {' '.join(self.words)}{'' if self.prefix else ' '}"


def stream_of(
    texts: Iterable[tuple[Place, str]], known: Mapping[Place, str] = MappingProxyType({})
) -> str:
    """What is searched of a session; empty where it has no word. ``known``: lines of an earlier
    stream (``lines_of``) whose texts are as they were."""
    lines: list[str] = []
    left = LONGEST_STREAM
    for place, text in texts:
        line = known.get(place) or _line_of(place, text)
        left -= len(line.encode()) + 1
        if left < 0:
            break
        if not line.endswith(" "):
            lines.append(line)
    return f" {' '.join(lines)} " if lines else ""


def _line_of(place: Place, text: str) -> str:
    """It ends in a space where the text has no word."""
    return f"{MARK}{place.sequence}{place.side} {' '.join(word.text for word in words(text))}"


def lines_of(stream: str) -> dict[Place, str]:
    """The lines of which a stream consists."""
    lines = {}
    for line in stream.split(MARK)[1:]:
        name = line.partition(" ")[0]
        lines[Place(int(name[:-1]), name[-1])] = f"{MARK}{line[:-1]}"
    return lines


@dataclass(frozen=True, slots=True)
class Search:
    """What is asked for: a session must hold every term, anywhere in it."""

    terms: tuple[Term, ...]

    @classmethod
    def of(cls, text: str) -> Self:
        """Whatever was typed. What stands in quotation marks is one term; else a word is one, or
        what is written without a space; the last word may go on."""
        terms: list[Term] = []
        at = 0
        for quoted in _QUOTED.finditer(text):
            terms += _loose(text[at : quoted.start()])
            terms += _term(quoted[1] or quoted[2] or "")
            at = quoted.end()
        rest = list(_loose(text[at:]))
        if rest:
            rest[-1] = rest[-1]._replace(prefix=_may_go_on(text))
        return cls(tuple(dict.fromkeys(terms + rest)))

    @property
    def has_phrases(self) -> bool:
        return any(len(term.words) > 1 for term in self.terms)

    def sessions(self, alias: str, *, in_order: bool = False) -> Q:
        """The summaries of the sessions that hold all of it, in the database ``alias``.

        ``in_order``: as ``SessionFilter.in_order`` has it.
        """
        if not self.terms:
            return Q(pk__in=[])
        if connections[alias].vendor == "postgresql":
            return Q(search_id__in=self._by_tsvector())
        if in_order:
            # What is computed is looked up in no index.
            return Q(In(F("search_id") + 0, self._by_fts5()))
        return Q(search_id__in=self._by_fts5())

    def _by_fts5(self) -> RawSQL:
        wanted = " ".join(
            f'"{" ".join(term.words)}"{"*" if term.prefix else ""}' for term in self.terms
        )
        sql = "SELECT rowid FROM history_words_index WHERE history_words_index MATCH %s"
        return RawSQL(sql, [wanted])

    def _by_tsvector(self) -> RawSQL:
        """The index knows which words a session has, not in which order: that is looked up in those
        that have them all, so that no limit of a ``tsvector``'s positions applies."""
        wanted = " & ".join(
            f"'{word}'{':*' if term.prefix and last else ''}"
            for term in self.terms
            for word, last in _with_last(term.words)
        )
        sql = "SELECT id FROM history_sessionwords WHERE lexemes @@ %s::tsquery"
        phrases = [term.needle for term in self.terms if len(term.words) > 1]
        sql += " AND strpos(stream, %s) > 0" * len(phrases)
        return RawSQL(sql, [wanted, *phrases])

    def place_in(self, stream: str) -> Place | None:
        """The text in which most of it stands, the first of several; None where nothing does."""
        best, most = None, 0
        for line in stream.split(MARK)[1:]:
            name, _, said = line.partition(" ")
            said = f" {said}"
            held = sum(term.needle in said for term in self.terms)
            if held > most:
                best, most = Place(int(name[:-1]), name[-1]), held
        return best

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Where in a text it stands: [from, to), in their order, without overlaps."""
        found = list(words(text))
        spans = sorted(
            (found[at].start, found[at + len(term.words) - 1].end)
            for term in self.terms
            for at in range(len(found) - len(term.words) + 1)
            if _stands_at(term, found, at)
        )
        merged: list[tuple[int, int]] = []
        for start, end in spans:
            if merged and start <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
            else:
                merged.append((start, end))
        return merged


def _stands_at(term: Term, found: Sequence[Word], at: int) -> bool:
    *first, last = term.words
    there = [word.text for word in found[at : at + len(term.words)]]
    whole = there[-1] == last or (term.prefix and there[-1].startswith(last))
    return whole and there[:-1] == first


def _with_last(these: tuple[str, ...]) -> Iterator[tuple[str, bool]]:
    for number, word in enumerate(these, 1):
        yield word, number == len(these)


def _loose(text: str) -> Iterator[Term]:
    for piece in text.split():
        yield from _term(piece)


def _term(text: str) -> Iterator[Term]:
    """The words of a text as one term. Characters at either end that are part of a pair there are
    left out: the pair says it, and is rarer."""
    found = list(words(text))
    if len(found) > 1 and found[1].pair:
        found = found[1:]
    if len(found) > 1 and found[-2].pair:
        found = found[:-1]
    if found:
        yield Term(tuple(word.text for word in found))


def _may_go_on(text: str) -> bool:
    """Whether what was typed ends in a word of a spaced script that is long enough."""
    *_, last = words(text)
    return not last.unspaced and len(last.text) >= SHORTEST_PREFIX

"""Masks long digit sequences (card and account numbers) in transcripts and typed text.

A sequence of 12 digits or more becomes ``[number]``: in figures, also grouped by spaces, dots or
dashes, and spelled out in English or Chinese words as recognisers write them. Shorter ones stay:
dates, prices, telephone numbers under 12 digits.

While somebody still speaks, a number at the end of the text may be growing. A partial transcript
shows at most four digits of it, until what follows shows that it has ended.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

LONG = 12
"""A sequence of this many digits or more is masked."""
SHOWN = 4
"""A number that may still grow is shown up to this many digits."""
MASK = "[number]"
GROWING = "…"
"""Stands for a number that may still grow."""

_ONES = {"one", "two", "three", "four", "five", "six", "seven", "eight", "nine"}
_SINGLE = _ONES | {"zero", "oh", "o", "nought", "naught"}
_TEENS = {
    *("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen"),
    *("eighteen", "nineteen"),
}
_TENS = {"twenty", "thirty", "forty", "fourty", "fifty", "sixty", "seventy", "eighty", "ninety"}
_REPEATS = {"double": 2, "triple": 3, "treble": 3, "quadruple": 4}
_SOUND_ALIKES = {"to", "too", "for", "won", "ate"}
"""What recognisers write for two, four, one and eight; digits where digit words surround them."""
_PASSED_OVER = {"dash", "hyphen", "space", "dot", "um", "uh", "er", "erm", "hmm"}

_TOKEN = re.compile(
    r"\d+|[零〇一二三四五六七八九两兩]|[^\W\d_\u3400-\u9fff]+(?:['’][^\W\d_\u3400-\u9fff]+)*"
)
_GAP = re.compile(r"(?:[\s.\-‐‑‒–—_·]|,(?=\s)|，)*")
_REST = re.compile(r"[\s.,\-‐‑‒–—_·，]*")


@dataclass(slots=True)
class _Run:
    """A digit sequence in a text, figures and words mixed."""

    start: int
    end: int
    digits: int = 0


@dataclass(slots=True)
class _Token:
    """A word or a figure of a text."""

    word: str
    start: int
    end: int
    joined: bool
    """Nothing but a separator lies between it and the token before."""


class Redactor:
    """Its methods take the whole text so far and keep no state."""

    def final(self, text: str) -> str:
        """The text with every long number masked."""
        return _replaced(text, [(r, MASK) for r in _runs(text) if r.digits >= LONG])

    def partial(self, text: str) -> str:
        """The same for a text that goes on: what may become a long number is hidden, too."""
        changes = []
        for run in _runs(text):
            if run.digits >= LONG:
                changes.append((run, MASK))
            elif run.digits > SHOWN and _may_grow(text, run):
                changes.append((run, GROWING))
        return _replaced(text, changes)

    def may_grow(self, text: str) -> bool:
        """Whether the text ends within what may become a long number: it is too early to reply."""
        return any(run.digits > SHOWN and _may_grow(text, run) for run in _runs(text))


def _tokens(text: str) -> Iterator[_Token]:
    end = 0
    for found in _TOKEN.finditer(text):
        joined = end > 0 and _GAP.fullmatch(text, end, found.start()) is not None
        end = found.end()
        yield _Token(found.group().casefold(), found.start(), end, joined)


def _runs(text: str) -> list[_Run]:
    """The digit sequences of a text, in order."""
    runs: list[_Run] = []
    open_run: _Run | None = None
    before = ""
    waiting = 0
    """Digits that sound-alikes after the run count for, if a digit word follows them."""
    for token in _tokens(text):
        if not token.joined:
            open_run, waiting = None, 0
        word, digits = token.word, _digits(token.word)
        if digits is None:
            if open_run is None and word in _REPEATS:
                open_run = _Run(token.start, token.start)
                runs.append(open_run)
            if open_run is not None and not _bridges(word, before):
                open_run, waiting = None, 0
            elif word in _SOUND_ALIKES:
                waiting += 1
            before = word
            continue
        if open_run is None:
            open_run = _Run(token.start, token.start)
            runs.append(open_run)
        if waiting and word.isdecimal():
            open_run = _Run(token.start, token.start)  # "from 1234 to 5678" are two numbers
            runs.append(open_run)
            waiting = 0
        if before in _REPEATS and digits == 1:
            digits = _REPEATS[before]
        elif before in _TENS and word in _ONES:
            digits = 0  # "twenty three" is 23
        open_run.digits += waiting + digits
        open_run.end, before, waiting = token.end, word, 0
    return [run for run in runs if run.digits]


def _digits(word: str) -> int | None:
    if word.isdecimal():
        return len(word)
    if word in _SINGLE or (len(word) == 1 and word in "零〇一二三四五六七八九两兩"):
        return 1
    return 2 if word in _TEENS or word in _TENS else None


def _bridges(word: str, before: str) -> bool:
    """Whether a number may go on after this word."""
    if word in _SOUND_ALIKES:
        return not before.isdecimal()
    return word in _PASSED_OVER or word in _REPEATS


def _may_grow(text: str, run: _Run) -> bool:
    """Whether nothing after the run ends it. The last word of the text may be unfinished."""
    words = list(_TOKEN.finditer(text, run.end))
    bridging = [w for w in words if _bridges(w.group().casefold(), "")]
    if len(words) - len(bridging) > 1:
        return False
    if words and words[-1].end() < len(text):
        return len(words) == len(bridging)  # that word is finished
    first_gap = text[run.end : words[0].start()] if words else text[run.end :]
    return _REST.fullmatch(first_gap) is not None


def _replaced(text: str, changes: list[tuple[_Run, str]]) -> str:
    pieces, at = list[str](), 0
    for run, instead in changes:
        pieces += (text[at : run.start], instead)
        at = run.end
    return "".join([*pieces, text[at:]])


def redacted_json(text: str) -> str:
    """JSON text, still valid, with long numbers masked in its strings, and where they stand by
    themselves; any other text as it is said."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return Redactor().final(text)
    masked = _masked_value(value)
    if masked == value:
        return text  # in its own spelling
    return json.dumps(masked, ensure_ascii=False, separators=(",", ":"))


def _masked_value(value: Any) -> Any:
    match value:
        case str():
            return Redactor().final(value)
        case list():
            return [_masked_value(one) for one in value]
        case dict():
            return {name: _masked_value(one) for name, one in value.items()}
        case int() if not isinstance(value, bool):
            masked = Redactor().final(str(value))
            return value if masked == str(value) else masked
    return value

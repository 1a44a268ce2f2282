"""Cuts a reply into sentences while it is being written.

It decides character by character, so the cuts do not depend on the pieces in which the text
arrives; the sentences, joined, are the text. A sentence is given when the next one begins. Where a
full stop may belong to an abbreviation the next word is waited for, ``LONGEST_WORD`` characters at
most. Segmenters that are well kept (sentencex, ICU, pySBD) want the whole text: what they find in a
beginning of it changes with what follows. Here they serve for the doubtful full stops alone.
"""

from __future__ import annotations

import re

import regex

from interaction.core.full_stops import FullStops

ENDS = ".!?…‼⁇⁈⁉‽"
"""Sentence marks that end a sentence where white space follows."""
CLOSERS = "\"'”’»›)]}*_`~」』）】》〉］"
"""What may come between a sentence mark and the white space."""
SYMMETRIC = '"*_`~'
"""Closers that open, too: every second run of them in a line closes."""
CLAUSE_ENDS = ",;:—–،؛՝፣፤፥၊᠂·"
WIDE_CLAUSE_ENDS = "，、；：､"

FIRST_CLAUSE = 32
"""The first piece may end at a comma from this many characters on: synthesis starts sooner."""
FIRST_WIDE_CLAUSE = 8
"""The same for a clause mark without white space."""
FIRST_PHRASE = 16
"""The same for a space, in scripts that put spaces between phrases alone."""
PHRASES = 60
"""A later piece in such a script ends at the first space after this many characters."""
SHORTEST = 12
"""A later piece with fewer characters is joined to the next one: it is too short to sound well."""
LONGEST = 400
"""A piece without a sentence mark ends at the first space after this many characters."""
LONGEST_UNSPACED = 800
"""A piece without a space ends after this many characters."""
LONGEST_WORD = 24
"""So many characters of the next word are waited for, to tell what a full stop means."""
LONGEST_MARKUP = 200
"""A link's text or a tag of more characters is taken for none."""

_SENTENCE_MARK = regex.compile(r"[\p{Sentence_Terminal}།༎༏༑]")
_WIDE = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Bopomofo}]")
_UNSPACED = regex.compile(r"[\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}\p{Javanese}]")
_NOT_FIRST = regex.compile(r"[\p{M}\p{Cf}\p{Cs}\p{Emoji_Modifier}ๆໆ]")
"""What never begins a piece."""
_OPEN_MARKUP = re.compile(
    rf"(?:\[[^\[\]\n]{{0,{LONGEST_MARKUP}}}|\]\([^()\n]{{0,{LONGEST_MARKUP}}}"
    rf"|</?[A-Za-z][\w:-]*\s[^<>\n]{{0,{LONGEST_MARKUP}}}|<!--[^>]{{0,{LONGEST_MARKUP}}})$"
)
_ENTITY = re.compile(r"&#?\w{1,10};$")


class SentenceSplitter:
    """``feed`` text as it comes, then ``finish``; each returns the pieces that became complete,
    with their white space. ``language``: the conversation's, a BCP 47 tag, or empty. A reply may
    well be in another one: what ends a sentence follows the text's own script."""

    def __init__(self, language: str = "") -> None:
        self._full_stops = FullStops(language)
        self._greek = language[:2].lower() == "el"
        self._french = language[:2].lower() == "fr"
        """French has a space before its closing quotation mark; in German that mark opens."""
        self._open = ""
        self._word = ""
        """The beginning of the word after a doubtful full stop, which ends what is open or not."""
        self._first = True
        self._unclosed: set[str] = set()
        """Those of ``SYMMETRIC`` that are open in this line."""
        self._lower_case: bool | None = None
        """Whether all is written in lower case; None before the first letter with a case."""

    @property
    def open(self) -> str:
        """The text so far that belongs to no complete piece."""
        return self._open + self._word

    def feed(self, text: str) -> list[str]:
        pieces: list[str] = []
        for character in text:
            self._take(character, pieces)
        return pieces

    def finish(self) -> list[str]:
        pieces: list[str] = []
        if self._word:
            self._settle(pieces)
        rest, self._open = self._open, ""
        return [*pieces, rest] if rest else pieces

    def _take(self, character: str, pieces: list[str]) -> None:
        if self._word:
            if not character.isspace() and len(self._word) < LONGEST_WORD:
                self._word += character
                return
            self._settle(pieces)
        if self._lower_case is None and character.lower() != character.upper():
            self._lower_case = character.islower()
        if self._open:
            ends = self._ends_before(character)
            if ends is None:
                self._word = character
                return
            if ends:
                self._cut(pieces)
        self._append(character)

    def _append(self, character: str) -> None:
        if character == "\n":
            self._unclosed.clear()
        elif character in SYMMETRIC and not self._open.endswith(character):
            self._unclosed ^= {character}
        self._open += character

    def _settle(self, pieces: list[str]) -> None:
        """The word after a doubtful full stop is known."""
        word, self._word = self._word, ""
        if self._ends_before(word, complete=True):
            self._cut(pieces)
        self._append(word[0])
        for character in word[1:]:
            self._take(character, pieces)

    def _cut(self, pieces: list[str]) -> None:
        pieces.append(self._open)
        self._open = ""
        self._first = False

    def _ends_before(self, word: str, *, complete: bool = False) -> bool | None:
        """Whether what is open is a piece of its own, now that ``word`` (its first character, or
        all of it) comes after it. None: the whole word has to be known."""
        following, last = word[0], self._open[-1]
        if last.isalnum() and len(self._open) < LONGEST_UNSPACED:
            return False  # most characters: nothing ends within a word
        if following.isspace():
            return False
        if _NOT_FIRST.match(following):
            return len(self._open) >= LONGEST_UNSPACED + LONGEST_MARKUP
        if len(self._open) >= LONGEST_UNSPACED:
            return True
        if last.isspace():
            return self._ends_at_space(word, complete)
        if last in CLOSERS or last in WIDE_CLAUSE_ENDS or _SENTENCE_MARK.match(last):
            return self._ends_unspaced(following)
        return False

    def _ends_at_space(self, word: str, complete: bool) -> bool | None:
        text = self._open.rstrip()
        if not text or (word[0] == "»" and (self._french or "«" in text)):
            return False
        if "\n" in self._open[len(text) :]:
            return self._long_enough(text)
        if _OPEN_MARKUP.search(self._open, max(0, len(self._open) - LONGEST_MARKUP - 2)):
            return False
        core = text.rstrip(f"{CLOSERS} \u00a0\u202f")  # French: « Oui. »
        if core and self._is_sentence_mark(core) and self._long_enough(text):
            ends = self._ends_sentence(core, word, complete)
            if ends is not False:
                return ends
        if self._first and len(text) >= FIRST_CLAUSE and text[-1] in CLAUSE_ENDS:
            return not _ENTITY.search(text)
        if self._ends_phrase(text, word[0]):
            return True
        return len(text) >= LONGEST

    def _is_sentence_mark(self, core: str) -> bool:
        last = core[-1]
        if last in ";\u037e":
            return self._greek or "\u0370" <= core[-2:-1] <= "\u03ff"
        return last in ENDS or _SENTENCE_MARK.match(last) is not None

    def _ends_sentence(self, core: str, word: str, complete: bool) -> bool | None:
        """Whether the mark at the end of ``core`` ends its sentence."""
        if word[0].islower() and not self._lower_case and core[-1] in ENDS:
            if len(word) == 1 and not complete:
                return None  # iPhones have a capital letter as well
            return word[1:2].isupper()
        return core[-1] != "." or self._full_stops.ends_sentence(core, word, complete=complete)

    def _ends_phrase(self, text: str, following: str) -> bool:
        """Thai, Lao, Khmer and others have spaces for pauses, and hardly a full stop."""
        if not (_UNSPACED.match(text[-1]) and _UNSPACED.match(following)):
            return False
        return len(text) >= (FIRST_PHRASE if self._first else PHRASES)

    def _ends_unspaced(self, following: str) -> bool:
        """Chinese, Japanese and others need no space after a sentence mark."""
        text, core = self._open, self._open.rstrip(CLOSERS)
        if not core or following in ".,":
            return False
        if following in CLOSERS and (following not in SYMMETRIC or self._closes(following)):
            return False
        mark, before = core[-1], core[-2:-1]
        if _SENTENCE_MARK.match(following) or following in WIDE_CLAUSE_ENDS:
            return False
        if text[-1] in "」』" and following in "とっ":
            return False  # Japanese "said" and "thought" come after what was
        if mark in ENDS:
            # A full stop, and none of an ellipsis or a file's name, between Chinese characters.
            wide = _WIDE.match(before) and _WIDE.match(following)
            return bool(wide) and mark in ".!?"
        if _SENTENCE_MARK.match(mark):
            # The number of a verse goes with its danda.
            return not (mark in "।॥" and following.isdigit()) and self._long_enough_unspaced(
                text, mark
            )
        return self._first and len(text) >= FIRST_WIDE_CLAUSE and text[-1] in WIDE_CLAUSE_ENDS

    def _closes(self, following: str) -> bool:
        return following == self._open[-1] or following in self._unclosed

    def _long_enough_unspaced(self, text: str, mark: str) -> bool:
        return mark in "。！？｡．" or self._long_enough(text)

    def _long_enough(self, text: str) -> bool:
        return self._first or len(text) >= SHORTEST

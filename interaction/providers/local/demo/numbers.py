"""Numbers as recognisers write them, in words."""

from __future__ import annotations

from fractions import Fraction

_ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
    "nineteen",
)  # fmt: skip
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
SMALL = {word: value for value, word in enumerate(_ONES)} | {
    word: 10 * value for value, word in enumerate(_TENS, start=2)
}
SCALES = {"hundred": 100, "thousand": 10**3, "million": 10**6, "billion": 10**9}
_WORD = "|".join([*SMALL, *SCALES, "point"])
NUMBER = rf"(?:\d{{1,15}}(?:\.\d{{1,9}})?|(?:a )?(?:{_WORD})(?:[ -](?:and )?(?:{_WORD}))*)"
"""A pattern for a number, in figures or in words."""


def number(text: str) -> Fraction:
    """The value of what ``NUMBER`` matches, e.g. ``one hundred and five point two``."""
    if text[0].isdigit():
        return Fraction(text)
    words = [word for word in text.replace("-", " ").split() if word not in ("a", "and")]
    if "point" not in words:
        return Fraction(_whole(words))
    at = words.index("point")
    digits = "".join(str(SMALL[word]) for word in words[at + 1 :] if word in SMALL)
    return Fraction(f"{_whole(words[:at])}.{digits or 0}")


def _whole(words: list[str]) -> int:
    total = group = 0
    for word in words:
        if word in SMALL:
            group += SMALL[word]
        elif word == "hundred":
            group = (group or 1) * 100
        elif word in SCALES:
            total, group = total + (group or 1) * SCALES[word], 0
    return total + group


def in_words(value: int) -> str:
    """A number from 0 to 100, as a person would say it."""
    if value < 20:
        return _ONES[value]
    if value == 100:
        return "one hundred"
    tens, ones = divmod(value, 10)
    return _TENS[tens - 2] + (f"-{_ONES[ones]}" if ones else "")

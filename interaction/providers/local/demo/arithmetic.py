"""Arithmetic, in words or in figures. Nothing is evaluated but what this grammar knows."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from fractions import Fraction

from interaction.providers.local.demo.numbers import NUMBER, number
from interaction.providers.local.demo.utterance import Utterance

SIGNS = {
    "plus": "+", "minus": "-", "take away": "-", "times": "*", "multiplied by": "*", "x": "*",
    "divided by": "/", "over": "/", "to the power of": "^", "squared": "^ 2", "cubed": "^ 3",
    "percent of": "%", "per cent of": "%",
}  # fmt: skip
SPOKEN = {
    "+": "plus", "-": "minus", "*": "times", "/": "divided by", "^": "to the power of",
    "%": "percent of",
}  # fmt: skip
HOMOPHONES = {"to": "2", "too": "2", "for": "4", "ate": "8", "won": "1"}
"""What recognisers write for a number; believed only beside an operator."""
OPERATION = r"[-+*/^%]"
OPERAND = rf"(?:{NUMBER}|{'|'.join(HOMOPHONES)})"
SUM = re.compile(rf"(?<!\S)(?:- )?{OPERAND}(?: {OPERATION} {OPERAND})+(?!\S)")
ASKING = re.compile(r"\b(?:what is|what's|how much|calculate|compute)\b")
PART = re.compile(rf"(?<!\S)(?:{NUMBER} {OPERATION}|{OPERATION} {NUMBER})(?!\S)")
LARGEST = 10**15

Operation = Callable[[Fraction, Fraction], Fraction]


class TooLarge(Exception):
    pass


def calculating(utterance: Utterance) -> str | None:
    text = _with_signs(utterance.plain)
    found = SUM.search(text)
    outside = text[: found.start()] + text[found.end() :] if found else text
    half = ASKING.search(text) and PART.search(outside)
    if half or (found and _cut(text, found)) or re.search(r"\(\s*\d|\d\s*\)", text):
        return "I heard a sum, but not one that I can follow. Try: what is ten times ten."
    if not found:
        return None
    values, signs = _parse(found[0])
    try:
        value = _evaluate(values, signs)
    except ZeroDivisionError:
        return "Nothing can be divided by zero, not even by me."
    except TooLarge:
        return "That goes beyond the numbers that I can say."
    asked = _spoken(values[0])
    for sign, operand in zip(signs, values[1:], strict=True):
        asked += f" {SPOKEN[sign]} {_spoken(operand)}"
    rounded = Fraction(_spoken(abs(value))) != abs(value)
    return f"{asked} is {'about ' if rounded else ''}{_spoken(value)}."


def _with_signs(text: str) -> str:
    text = text.replace("%", " percent")
    for phrase, sign in SIGNS.items():
        text = re.sub(rf"(?<=[\w)] )(?<!\S){phrase}(?!\S)|^{phrase}(?!\S)", sign, text)
    return re.sub(rf"(?<=[\d)])\s*({OPERATION})\s*(?=[\d(])", r" \1 ", text)


def _cut(text: str, found: re.Match[str]) -> bool:
    """Whether the sum goes on where we could not follow: ``two plus three plus floor``."""
    after, before = text[found.end() :].split(), text[: found.start()].split()
    return (bool(after) and after[0] in SPOKEN) or (bool(before) and before[-1] in SPOKEN)


def _parse(text: str) -> tuple[list[Fraction], list[str]]:
    negative = text.startswith("- ")
    parts = re.split(rf" ({OPERATION}) ", text.removeprefix("- "))
    values = [number(HOMOPHONES.get(part, part)) for part in parts[::2]]
    if negative:
        values[0] = -values[0]
    return values, parts[1::2]


def _evaluate(values: list[Fraction], signs: list[str]) -> Fraction:
    """Powers first, from the right; then products and shares; then sums."""
    values, signs = list(values), list(signs)
    for level in ({"^": _power}, PRODUCTS, SUMS):
        at = len(signs) - 1 if "^" in level else 0
        while 0 <= at < len(signs):
            if operation := level.get(signs[at]):
                values[at : at + 2] = [operation(values[at], values[at + 1])]
                del signs[at]
                at -= "^" in level
            else:
                at += -1 if "^" in level else 1
    if abs(values[0]) >= LARGEST:
        raise TooLarge
    return values[0]


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator != 1 or abs(exponent) > 100 or abs(base) > LARGEST:
        raise TooLarge
    if not base and exponent < 0:
        raise ZeroDivisionError
    return Fraction(base ** int(exponent))


def _percent(share: Fraction, whole: Fraction) -> Fraction:
    return share / 100 * whole


PRODUCTS: dict[str, Operation] = {"*": operator.mul, "/": operator.truediv, "%": _percent}
SUMS: dict[str, Operation] = {"+": operator.add, "-": operator.sub}


def _spoken(value: Fraction) -> str:
    """In figures, with at most four places; speech synthesis knows how to read those."""
    minus = "minus " if value < 0 else ""
    if value.denominator == 1:
        return f"{minus}{abs(value.numerator)}"
    return minus + f"{abs(float(value)):.4f}".rstrip("0").rstrip(".")

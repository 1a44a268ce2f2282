"""Long numbers are masked, short ones stay; a partial never gives the beginning of a long one."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interaction.core.redaction import MASK, Redactor

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
PLAIN = st.sampled_from(
    ["my card is", "please", "charge it", "the number", "okay then", "thank you", "and that's it"]
)
DIGITS = st.integers(0, 9)
SEPARATORS = st.sampled_from(["", " ", ".", "-", " - ", "  ", "–"])


@st.composite
def grouped(draw: st.DrawFn, least: int, most: int) -> tuple[str, str]:
    """Digits, and how they are written: in figures, grouped in some way."""
    digits = "".join(map(str, draw(st.lists(DIGITS, min_size=least, max_size=most))))
    written, rest = "", digits
    while rest:
        size = draw(st.integers(1, 5))
        group, rest = rest[:size], rest[size:]
        written += group + (draw(SEPARATORS) if rest else "")
    return digits, written


@st.composite
def spelled(draw: st.DrawFn, least: int, most: int) -> tuple[str, str]:
    """Digits, and how a recogniser spells them."""
    digits = draw(st.lists(DIGITS, min_size=least, max_size=most))
    joiner = draw(st.sampled_from([" ", "-", ", "]))
    return "".join(map(str, digits)), joiner.join(WORDS[digit] for digit in digits)


LONG = grouped(12, 24) | spelled(12, 24)
SHORT = grouped(1, 11) | spelled(1, 11)


def digits_in(text: str) -> str:
    """Every digit that can be read in a text, in order."""
    found = re.findall(r"\d|" + "|".join(WORDS), text)
    return "".join(d if d.isdigit() else str(WORDS.index(d)) for d in found)


@given(PLAIN, LONG, PLAIN)
def test_a_long_number_is_masked_and_nothing_else(
    before: str, number: tuple[str, str], after: str
) -> None:
    text = f"{before} {number[1]} {after}"
    assert Redactor().final(text) == f"{before} {MASK} {after}"
    assert Redactor().partial(text) == f"{before} {MASK} {after}"


@given(PLAIN, SHORT, PLAIN)
def test_a_shorter_number_stays(before: str, number: tuple[str, str], after: str) -> None:
    text = f"{before} {number[1]} {after}"
    assert Redactor().final(text) == text
    assert Redactor().final(f"{before} {number[1]}") == f"{before} {number[1]}"


@given(PLAIN, LONG, PLAIN)
def test_no_partial_shows_more_than_four_digits_of_a_long_number(
    before: str, number: tuple[str, str], after: str
) -> None:
    text = f"{before} {number[1]} {after}"
    for end in range(len(text) + 1):
        assert len(digits_in(Redactor().partial(text[:end]))) <= 4


@given(PLAIN, SHORT)
def test_a_short_number_is_shown_once_it_has_ended(before: str, number: tuple[str, str]) -> None:
    text = f"{before} {number[1]} is it right "
    assert Redactor().partial(text) == text


@given(PLAIN, SHORT, st.data())
def test_there_is_no_replying_to_a_number_that_may_be_cut_in_two(
    before: str, number: tuple[str, str], data: st.DataObject
) -> None:
    text = f"{before} {number[1]}"
    assert Redactor().may_grow(text) == (Redactor().partial(text) != text)


@pytest.mark.parametrize(
    "text",
    [
        "call me at 555 123 4567 tomorrow",
        "it was on 2026-11-20 at 10:30",
        "that is 1,234,567 dollars and 99 cents",
        "from 12345678 to 87654321",
        "the meeting is from nine to five",
        "one two three four five six to ten",
        "twenty three plus four",
        "+1 555 123 4567 is the number",
        "1,234,567,890,123 euros",
        "one hundred twenty three thousand four hundred fifty six dollars",
        "",
    ],
)
def test_these_stay_as_they_are(text: str) -> None:
    assert Redactor().final(text) == text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("it is 4111 1111 1111 1111.", "it is [number]."),
        ("4111-1111.1111 1111", "[number]"),
        ("Four one one one, one one one one, one one one one.", "[number]."),
        ("four double one one triple one one one double one four five", "[number]"),
        ("forty one eleven eleven eleven eleven eleven", "[number]"),
        ("four one one one for one one to one one one one", "[number]"),
        ("four one one one um one one one one dash one one one one", "[number]"),
        ("卡號是四一一一一一一一一一一一。", "卡號是[number]。"),
        ("４１１１１１１１１１１１", "[number]"),
    ],
)
def test_these_are_masked(text: str, masked: str) -> None:
    assert Redactor().final(text) == masked

"""Which words a text has, in any script."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from history.words import LONGEST, words

pytestmark = pytest.mark.unit


def of(text: str) -> list[str]:
    return [word.text for word in words(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("  …?! ", []),
        ("Hello, World", ["hello", "world"]),
        ("don't it’s", ["don", "t", "it", "s"]),
        ("Café CAFÉ cafe\u0301", ["cafe", "cafe", "cafe"]),
        ("Zoë naïve Ångström", ["zoe", "naive", "angstrom"]),
        ("Straße STRASSE", ["strasse", "strasse"]),
        ("İstanbul", ["istanbul"]),
        ("Привет Йод ёлка", ["привет", "иод", "елка"]),
        ("Άλφα", ["αλφα"]),
        ("ＡＢＣ１２３", ["abc123"]),
        ("ﬁne", ["fine"]),
        ("3.14 e-mail snake_case", ["3", "14", "e", "mail", "snake", "case"]),
        ("天", ["天"]),
        ("天氣", ["天", "天氣", "氣"]),
        ("天氣好", ["天", "天氣", "氣", "氣好", "好"]),
        ("今天，天氣", ["今", "今天", "天", "天", "天氣", "氣"]),
        ("用Python寫", ["用", "python", "寫"]),
        ("ｶﾅ", ["カ", "カナ", "ナ"]),
        ("한국", ["한", "한국", "국"]),
        ("𠮷野", ["𠮷", "𠮷野", "野"]),
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
        ("สวัสดี", ["ส", "สว", "ว", "วั", "ั", "ัส", "ส", "สด", "ด", "ดี", "ี"]),
        ("שָׁלוֹם", ["שָׁלוֹם"]),
        ("½ ² №", ["12", "2"]),
        ("a\0b\x1fc", ["a", "b", "c"]),
        ('"quoted" OR NOT * ^ : -', ["quoted", "or", "not"]),
        ("👍🏽 ok", ["ok"]),
    ],
)
def test_words_are_those_that_a_search_compares(text: str, expected: list[str]) -> None:
    assert of(text) == expected


def test_a_word_without_an_end_is_cut() -> None:
    assert of("x" * 10_000) == ["x" * LONGEST]


@given(st.text(max_size=60))
def test_no_word_holds_what_a_query_language_reads(text: str) -> None:
    for word in words(text):
        assert word.text
        assert not set(word.text) & set(" \"'\\*:&|!()<>^+-_%\0\ue000")
        assert 0 <= word.start < word.end <= len(text)


@given(st.text(max_size=60))
def test_case_makes_no_difference(text: str) -> None:
    assert of(text) == of(text.swapcase()) or not text.isascii()

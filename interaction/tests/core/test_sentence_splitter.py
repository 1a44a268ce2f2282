from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from interaction.cascade.speakable import speakable
from interaction.core.sentence_splitter import LONGEST, SentenceSplitter

PIECES = [
    *("Hello there. ", "It costs 3.14 euros! ", "Dr. Smith, e.g., ", "你好。", "怎么样？"),
    *("- item\n", "1. first\n", "**bold** ", "\n\n", "“Quoted.” ", "wait… ", "a, b, c; "),
]
TEXTS = st.one_of(st.text(), st.lists(st.sampled_from(PIECES)).map("".join))


def split(*chunks: str) -> list[str]:
    splitter = SentenceSplitter()
    pieces = [piece for chunk in chunks for piece in splitter.feed(chunk)]
    return pieces + splitter.finish()


def sentences(text: str) -> list[str]:
    return [piece.strip() for piece in split(text)]


@given(TEXTS)
@example("x" * (LONGEST + 5) + " y " + "z" * 10)
def test_the_pieces_joined_are_the_text(text: str) -> None:
    assert "".join(split(text)) == text


@given(TEXTS, st.data())
def test_how_the_text_arrives_changes_no_cut(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)))))
    chunks = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert split(*chunks) == split(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One is here. Two is there too! Is three?", 3),
        ("Dr. Smith met Mr. Jones yesterday evening.", 1),
        ("It is 3.14 or so, see fig. 2 for more.", 1),
        ("J. S. Bach wrote it in Leipzig.", 1),
        ("Fruit, e.g. apples, is good. Eat more of it.", 2),
        ("She said “Stop right there.” Then she left us.", 2),
        ("First line of it\nSecond line of it", 2),
        ("今天天气很好。我们去公园吧！", 2),
        ("1. Wash the apples well\n2. Slice them all thinly", 2),
        ("At 5 p.m. we are going home.", 1),
    ],
)
def test_sentences_end_where_a_reader_would_end_them(text: str, expected: int) -> None:
    assert len(split(text)) == expected


def test_the_first_clause_may_end_at_a_comma_when_it_is_long_enough() -> None:
    text = "Well, since you asked me about the weather, it will rain, and it will snow a lot."
    assert sentences(text) == [
        "Well, since you asked me about the weather,",
        "it will rain, and it will snow a lot.",
    ]


def test_a_short_later_sentence_waits_for_the_next_one() -> None:
    assert sentences("Good morning to you. Yes. I am well today.") == [
        "Good morning to you.",
        "Yes. I am well today.",
    ]


def test_a_first_sentence_is_given_as_soon_as_the_next_one_begins() -> None:
    splitter = SentenceSplitter()
    assert splitter.feed("Sure. ") == []
    assert splitter.feed("T") == ["Sure. "]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("**Bold** and *it* and `code`", "Bold and it and code"),
        ("[the site](https://example.com/a?b=c) is up", "the site is up"),
        ("See https://www.example.com/docs/?x=1#y.", "See example.com/docs."),
        ("# A heading", "A heading"),
        ("- one item", "one item"),
        ("> quoted", "quoted"),
        ("snake_case_name stays", "snake_case_name stays"),
        ("2 * 3 * 4", "2 * 3 * 4"),
        ("Great! 🎉👩‍👩‍👧", "Great!"),
        ("🙂", ""),
        ("---", ""),
        ("```python\nprint(1)\n```", "print(1)"),
        ("| a | b |", "a, b"),
        ("It is 5 €, 20 °C", "It is 5 €, 20 °C"),
    ],
)
def test_what_is_written_becomes_what_is_said(written: str, said: str) -> None:
    assert speakable(written) == said


WORDS = st.from_regex(r"[a-z]{1,8}", fullmatch=True)


@given(st.lists(st.tuples(WORDS, st.sampled_from(["{}", "**{}**", "*{}*", "`{}`", "~~{}~~",
                                                  "[{}](http://x.org)", "{}.", "{},", "# {}",
                                                  "{} 🎉", "\n- {}", "({})"]))))  # fmt: skip
def test_no_word_is_lost_on_the_way_to_the_voice(words: list[tuple[str, str]]) -> None:
    text = " ".join(form.format(word) for word, form in words)
    said = " ".join(filter(None, map(speakable, split(text))))
    assert re.findall(r"[a-z]+", said) == [word for word, _ in words]

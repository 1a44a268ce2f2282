"""Halves of surrogate pairs are joined or replaced, however a text is cut."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interaction.providers._shared.valid_text import ValidTextStream, valid_arguments, valid_text

UTF_16_UNITS = st.text(st.characters(codec="utf-8") | st.sampled_from("\ud83d\ude00\udbff\udc00"))


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("plain", "plain"),
        ("\ud83d\ude00", "😀"),
        ("a\ud83d", "a\ufffd"),
        ("\ude00b", "\ufffdb"),
        ("\ud83d\ud83d\ude00", "\ufffd😀"),
        ("\ude00\ud83d", "\ufffd\ufffd"),
        ("😀\ud83d字", "😀\ufffd字"),
    ],
)
def test_halves_are_joined_or_replaced(text: str, valid: str) -> None:
    assert valid_text(text) == valid


def test_a_half_waits_for_the_other_one() -> None:
    stream = ValidTextStream()
    assert [stream.feed(delta) for delta in ("a\ud83d", "\ude00b", "\ud83d")] == ["a", "😀b", ""]
    assert stream.finish() == "\ufffd"
    assert stream.finish() == ""
    assert stream.text == "a😀b\ufffd"


@given(st.lists(UTF_16_UNITS))
def test_it_does_not_matter_how_a_text_is_cut(deltas: list[str]) -> None:
    stream = ValidTextStream()
    pieces = [*map(stream.feed, deltas), stream.finish()]
    assert "".join(pieces) == stream.text == valid_text("".join(deltas))
    assert stream.text.encode().decode() == stream.text


@given(
    st.recursive(UTF_16_UNITS, lambda inner: st.lists(inner) | st.dictionaries(UTF_16_UNITS, inner))
)
def test_arguments_are_valid_once_they_are_read(value: object) -> None:
    for ensure_ascii in (True, False):
        arguments = valid_arguments(json.dumps(value, ensure_ascii=ensure_ascii))
        json.dumps(json.loads(arguments), ensure_ascii=False).encode()


@pytest.mark.parametrize(
    "arguments", ['{"a": "\\\\ud83d"}', '{"a": "\\ud83d\\ude00"}', "no JSON \\"]
)
def test_arguments_without_halves_stay_as_they_are(arguments: str) -> None:
    assert valid_arguments(arguments) == arguments

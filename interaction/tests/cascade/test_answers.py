"""What is made of a language model's answer beside its text: its calls' ids, and why it ended."""

from __future__ import annotations

import pytest

from interaction.cascade.respond import _no_answer, with_ids_of_their_own
from interaction.core.types import CutReason, Message, ToolCall


def call(id_: str) -> ToolCall:
    return ToolCall(id_, "current_time", "{}")


@pytest.mark.parametrize(
    ("before", "asked"),
    [
        ([], ["call_1"]),
        (["call_0"], ["call_0"]),
        (["call_0", "call_1"], ["call_1", "call_2"]),
        ([], ["call_0", "call_0"]),
        ([], ["", ""]),
        (["a"], ["a", "a", "b", ""]),
    ],
)
def test_no_call_has_an_id_that_the_conversation_has_had(
    before: list[str], asked: list[str]
) -> None:
    messages = [Message("assistant", "", tuple(map(call, before)))]
    ids = [one.id for one in with_ids_of_their_own([call(id_) for id_ in asked], messages)]
    assert len({*ids, *before}) == len(ids) + len(before)
    assert all(ids)
    for given, kept in zip(asked, ids, strict=True):
        if given and given not in before and asked.count(given) == 1:
            assert kept == given, "the model's own id, where that will do"


@pytest.mark.parametrize(
    ("cut", "code"),
    [(None, "empty_reply"), ("length", "empty_reply"), ("content_filter", "content_filtered")],
)
def test_an_answer_without_a_word_says_why_there_is_none(cut: CutReason | None, code: str) -> None:
    failed = _no_answer(cut)
    assert code in vars(failed).values()

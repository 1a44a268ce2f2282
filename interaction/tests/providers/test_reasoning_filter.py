"""A model's reasoning is taken out of its text, however it is marked and cut; nothing else is."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interaction.providers._shared.answer_text import AnswerText
from interaction.providers._shared.reasoning_filter import ReasoningFilter

ANSWER = "The capital is Paris."
THOUGHT = "The user wants a capital. It is 2 < 3, Paris.\n\nShort."
PAIRS = [
    *((f"<{name}>", f"</{name}>") for name in ("think", "thinking", "thought", "reasoning")),
    *((f"<{name}>", f"</{name}>") for name in ("THINK", "seed:think", "antThinking", "reflection")),
    ("<think >", "</think >"),
    ('<thinking effort="high">', "</thinking>"),
    ("<think>", "</thinking>"),
    ("[THINK]", "[/THINK]"),
    ("[think]", "[/think]"),
    ("◁think▷", "◁/think▷"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|channel>thought\n", "<channel|>"),
    ("<unused94>thought\n", "<unused95>"),
    ('<details type="reasoning" done="true">', "</details>"),
    ("&lt;think&gt;", "&lt;/think&gt;"),
]
MARKED = [
    *(f"{opens}\n{THOUGHT}\n{closes}\n\n{ANSWER}" for opens, closes in PAIRS),
    *(f"{opens}{THOUGHT}{closes}{ANSWER}" for opens, closes in PAIRS),
    f"\n\n<think>{THOUGHT}</think>{ANSWER}",
    f"<think></think>{ANSWER}",
    f"</think>\n\n{ANSWER}",
    f"<think>a</think><think>b</think>{ANSWER}",
    f"<think>I must close with `</think>` here.</think>{ANSWER}",
    f"<think>{THOUGHT}</think>\n<answer>{ANSWER}</answer>",
    f"<think>{THOUGHT}</think><output>\n{ANSWER}</output>",
    f"<|begin_of_thought|>a<|end_of_thought|><|begin_of_solution|>{ANSWER}<|end_of_solution|>",
    f"<|START_THINKING|>a<|END_THINKING|><|START_RESPONSE|>{ANSWER}<|END_RESPONSE|>",
    f"<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>{ANSWER}",
    f"<|channel|>analysis<|message|>a<|channel|>final<|message|>{ANSWER}<|return|>",
    f"<|start|>assistant<|channel|>final<|message|>{ANSWER}<|end|>",
    f"analysisThe user asks.assistantfinal{ANSWER}",
    f"Okay, the user wants a capital.\n</think>\n\n{ANSWER}",
    f"好的，用户想知道首都。</think>{ANSWER}",
    f"Here is my thought process:\nParis.\nHere is my response:\n{ANSWER}",
]
PLAIN = [
    ANSWER,
    "Models write <think> before they answer.",
    "Use `<think>` and `</think>`.",
    "```\n<think>\nx\n</think>\n```\nThat is how.",
    "- <think> opens it\n- </think> closes it",
    "There are two marks. <think> is one.",
    "Is 2 < 3? Yes, and a <b>bold</b> one [sic].",
    "Okay, the user manual says so.",
    "Okay.",
    "So",
    "analysis is hard.",
    "I think, therefore I am. <3",
    "Press [Enter], then <Esc>.",
    "<answer> is an element.",
    "a <",
    "◁ and ▷",
    "A & B &lt; C",
    "",
]


def taken(text: str, sizes: list[int]) -> str:
    filter_, at, out = ReasoningFilter(), 0, ""
    for size in itertools.cycle(sizes):
        if at >= len(text):
            return out + filter_.finish()
        out += filter_.feed(text[at : at + size])
        at += size
    raise AssertionError


@pytest.mark.parametrize("text", MARKED)
@pytest.mark.parametrize("size", [1, 5, 1_000])
def test_reasoning_is_taken_out(text: str, size: int) -> None:
    assert taken(text, [size]).strip() == ANSWER


@pytest.mark.parametrize("text", PLAIN)
@pytest.mark.parametrize("size", [1, 5, 1_000])
def test_what_only_speaks_of_a_mark_is_text(text: str, size: int) -> None:
    assert taken(text, [size]) == text


@pytest.mark.parametrize("opens", [opens for opens, _ in PAIRS])
def test_reasoning_that_never_ends_is_no_answer(opens: str) -> None:
    assert taken(f"{opens}{THOUGHT}", [3]) == ""


def test_reasoning_between_sentences_leaves_a_space() -> None:
    assert taken("Hello.<think>a</think>World.\n<think>b</think>\nBye.", [1]) == (
        "Hello. World.\nBye."
    )


@given(
    st.lists(st.sampled_from([*MARKED, *PLAIN, "<", "</", "<|", "`", "\n", " "]), max_size=4),
    st.lists(st.integers(1, 9), min_size=1, max_size=5),
)
def test_how_it_is_cut_never_changes_what_comes(texts: list[str], sizes: list[int]) -> None:
    text = "".join(texts)
    assert taken(text, sizes) == taken(text, [len(text) or 1])


def test_a_source_whose_reasoning_nothing_opens_is_known_from_then_on() -> None:
    source, text = ("http://here", "unmarked"), f"I look for it.\n</think>\n\n{ANSWER}"
    first = AnswerText(source)
    assert first.feed(text) + first.finish() == f"I look for it.\n{ANSWER}"
    second = AnswerText(source)
    assert second.feed(text) + second.finish() == ANSWER
    third = AnswerText(source)
    assert third.feed("No marks.") == ""
    assert third.finish() == "No marks."
    assert AnswerText(source).feed("No marks.") == "No marks."

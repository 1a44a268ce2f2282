"""The demo agent, in conversation. It never claims what it cannot do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interaction.core.types import Message
from interaction.openers import OPENERS
from interaction.providers.config import ProviderConfig
from interaction.providers.local._shared.word_stream import words
from interaction.providers.local.demo.llm import LanguageModel, reply
from interaction.providers.local.demo.numbers import in_words, number
from interaction.providers.registry import load
from interaction.providers.stage_protocols import AnswerCut

NOON = datetime(2026, 11, 20, 12, 5, tzinfo=timezone(timedelta(hours=1), "CET"))

Talk = Callable[..., str]


@pytest.fixture
def talk() -> Talk:
    """``talk(*texts)``: the reply to the last of these, said one after another."""
    context = [Message("system", "You are a pirate. My name is Blackbeard.")]

    def talk(*texts: str) -> str:
        answer = ""
        for text in texts:
            context.append(Message("user", text))
            answer = str(reply(context, NOON))
            context.append(Message("assistant", answer))
        return answer

    return talk


async def streamed(messages: list[Message], name: str = "demo") -> list[str]:
    return [str(word) async for word in load("llm", ProviderConfig(name)).complete(messages)]


# Remembering.


def test_a_name_is_remembered_over_other_turns(talk: Talk) -> None:
    assert "John" in talk("my name is john")
    assert talk("what time is it", "what is my name") == "Your name is John."
    assert "John" in talk("hello")
    assert "John" in talk("thank you good bye")


def test_a_name_that_was_not_told_is_not_invented(talk: Talk) -> None:
    assert "not told me" in talk("what is my name")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("my name is mary jane and i like cats", "Mary Jane"),
        ("Hi! My name's O'Brien.", "O'Brien"),
        ("hello call me ishmael please", "Ishmael"),
        ("my name is ludwig van beethoven", "Ludwig van Beethoven"),
        ("I'm Ada.", "Ada"),
        ("Good morning, I am Zoë!", "Zoë"),
    ],
)
def test_names_are_taken_out_of_what_is_said(talk: Talk, text: str, name: str) -> None:
    assert talk(text, "who am i") == f"Your name is {name}."


@pytest.mark.parametrize("text", ["i'm hungry", "I am not sure.", "my name is", "my name is not"])
def test_what_is_no_name_is_not_taken_for_one(talk: Talk, text: str) -> None:
    assert "not told me" in talk(text, "what is my name")


def test_the_last_name_counts(talk: Talk) -> None:
    assert "John" in talk("my name is john", "no my name is joan")
    assert talk("what's my name") == "Your name is Joan."


# Knowing.


def test_it_tells_the_time_by_this_machines_clock(talk: Talk) -> None:
    assert talk("what time is it") == "It is 12:05 in the afternoon, CET, by this machine's clock."


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("what is the date today", "Today is Friday, November 20, 2026."),
        ("what is the day to day", "Today is Friday, November 20, 2026."),
        ("what's tomorrow's date", "Tomorrow is Saturday, November 21, 2026."),
        ("what day was yesterday", "Yesterday was Thursday, November 19, 2026."),
        ("which year is it", "It is the year 2026."),
        ("what month is it", "It is November."),
    ],
)
def test_it_tells_the_date(talk: Talk, text: str, answer: str) -> None:
    assert talk(text) == answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("what is twenty three plus four", "23 plus 4 is 27."),
        ("What's 23 + 4?", "23 plus 4 is 27."),
        ("what is two plus for", "2 plus 4 is 6."),
        ("how much is seven times eight please", "7 times 8 is 56."),
        ("two plus three times four", "2 plus 3 times 4 is 14."),
        ("what is ten divided by four", "10 divided by 4 is 2.5."),
        ("ten over three", "10 divided by 3 is about 3.3333."),
        ("twenty minus thirty minus five", "20 minus 30 minus 5 is minus 15."),
        ("what is fifteen percent of eighty", "15 percent of 80 is 12."),
        ("20% of 50", "20 percent of 50 is 10."),
        ("two to the power of three squared", "2 to the power of 3 to the power of 2 is 512."),
        ("one hundred and five minus one point five", "105 minus 1.5 is 103.5."),
        ("what is minus five plus three", "minus 5 plus 3 is minus 2."),
    ],
)  # fmt: skip
def test_it_calculates(talk: Talk, text: str, answer: str) -> None:
    assert talk(text) == answer


@pytest.mark.parametrize(
    "text", ["what is twenty three plus floor", "what is seven times a", "what is (2 + 3) * 4"]
)
def test_it_does_not_answer_half_a_sum(talk: Talk, text: str) -> None:
    assert talk(text).startswith("I heard a sum, but")


@pytest.mark.parametrize(
    "text",
    ["five divided by zero", "nine to the power of ninety", "0 to the power of minus 1"],
)
def test_impossible_sums_are_said_to_be_so(talk: Talk, text: str) -> None:
    answer = talk(text)
    assert " is " not in answer or "cannot" in answer or "Nothing" in answer


@given(st.integers(0, 100))
def test_numbers_in_words_are_understood_as_they_are_said(value: int) -> None:
    assert number(in_words(value)) == value


@given(
    st.lists(st.integers(0, 999), min_size=2, max_size=6),
    st.lists(st.sampled_from("+-*"), min_size=5, max_size=5),
)
def test_sums_are_right(values: list[int], signs: list[str]) -> None:
    text = str(values[0])
    for sign, value in zip(signs, values[1:], strict=False):
        text += f" {sign} {value}"
    expected = eval(text)

    answer = str(reply([Message("user", text)], NOON))

    if abs(expected) < 10**15:
        said = answer.rsplit(" is ", 1)[1].rstrip(".").replace("minus ", "-")
        assert Fraction(said.removeprefix("about ")) == expected


# Manners.


def test_it_repeats_after_one_and_says_it_again(talk: Talk) -> None:
    assert talk("repeat after me the quick brown fox") == "The quick brown fox."
    assert talk("say that again") == "The quick brown fox."
    assert talk("what did i say") == "You said: say that again"


def test_it_counts_in_sentences_that_can_be_interrupted(talk: Talk) -> None:
    assert talk("count to seven") == "One, two, three, four, five. Six, seven."
    assert talk("count to a thousand") == "I count in whole numbers, up to a hundred."


@pytest.mark.parametrize(
    ("text", "words_of_it"),
    [
        ("good morning", "demo agent"),
        ("what can you do", "remember your name"),
        ("who are you", "not a language model"),
        ("are you a real person", "small program"),
        ("how are you", "thank you"),
        ("thanks a lot", "You are welcome"),
        ("what is the weather like in paris today", "cannot see the weather"),
        ("how do i connect a language model", "OpenAI"),
        ("tell me a story", "parrot"),
        ("你好", "示範助理"),
    ],
)
def test_a_few_openings(talk: Talk, text: str, words_of_it: str) -> None:
    assert words_of_it in talk(text)


def test_it_says_what_it_is_where_it_has_no_answer(talk: Talk) -> None:
    first = talk("who is the president of france")
    assert first.startswith("I heard: who is the president of france.")
    assert "without a language model" in first
    second, third = talk("why is the sky blue"), talk("why is the sky blue")
    assert "beyond this demo" in second
    assert second != third


def test_it_remembers_in_chinese_too(talk: Talk) -> None:
    assert "小明" in talk("我叫小明")
    assert talk("我叫什麼名字") == "你叫小明。"
    assert "12點5分" in talk("現在幾點")
    assert "星期五" in talk("今天星期幾")
    assert talk("我是誰") == "你叫小明。"
    assert "語言模型" in talk("天空為什麼是藍的")


@given(st.lists(st.text(max_size=60), max_size=4))
def test_there_is_always_an_answer(texts: list[str]) -> None:
    context = [Message("user", text) for text in texts]
    assert str(reply(context, NOON)).strip()


@given(st.text(max_size=200))
def test_words_lose_nothing(text: str) -> None:
    pieces = words(text)
    assert "".join(pieces) == text
    assert all(pieces)


def test_asked_to_speak_before_anybody_has_it_opens_the_conversation() -> None:
    for context in ([], [Message("system", "Greet the caller.")]):
        assert str(reply(context, NOON)).startswith("Good afternoon.")


def test_instructions_after_a_line_do_not_hide_it() -> None:
    context = [Message("user", "what is two plus two"), Message("system", "Be brief.")]
    assert reply(context, NOON) == "2 plus 2 is 4."


async def test_replies_stream_by_words() -> None:
    pieces = await streamed([Message("user", "what can you do")])
    assert len(pieces) > 20
    assert all(pieces)
    assert pieces[0] == "I"


async def test_the_echo_says_what_was_said() -> None:
    assert "".join(await streamed([Message("user", "good morning")], "echo")) == (
        "You said: good morning"
    )
    assert "".join(await streamed([], "echo")) == "I heard nothing."


@pytest.mark.parametrize("name", ["demo", "echo"])
async def test_no_more_words_are_written_than_may_be(name: str) -> None:
    model = load("llm", ProviderConfig(name))
    said = [Message("user", "say one two three four five")]
    every = [piece async for piece in model.complete(said)]
    assert len(every) > 3
    assert [piece async for piece in model.complete(said, max_tokens=3)] == [
        *every[:3],
        AnswerCut("length"),
    ]
    assert [piece async for piece in model.complete(said, max_tokens=len(every))] == every


async def test_closing_is_nothing() -> None:
    await LanguageModel(ProviderConfig("demo")).aclose()


CHINESE = (
    ("你好", "你好！"),
    ("我叫小美。", "小美，"),
    ("我叫什麼名字？", "你叫小美。"),
    ("現在幾點？", "現在是中午12點5分。"),
    ("而家幾點？", "現在是中午12點5分。"),
    ("现在几点？", "現在是中午12點5分。"),
    ("今天星期幾？", "今天是2026年11月20日，星期五。"),
    ("今天禮拜幾？", "今天是2026年11月20日，星期五。"),
    ("明天是幾號？", "明天是2026年11月21日，星期六。"),
    ("昨天是幾月幾號？", "昨天是2026年11月19日，星期四。"),
    ("你會做什麼？", "我可以"),
    ("你可以做什麼？", "我可以"),
    ("你会做什么？", "我可以"),
    ("你是誰？", "我是 Parley"),
    ("謝謝！", "不客氣。"),
    ("說個故事", "我聽到了"),
    ("再見！", "再見"),
)


def test_a_chinese_conversation_is_chinese_from_start_to_end(talk: Talk) -> None:
    for said, answer in CHINESE:
        assert talk(said).startswith(answer), said


@pytest.mark.parametrize("opener", [one for row in OPENERS.values() for one in row])
def test_every_opener_is_answered(opener: str) -> None:
    answer = str(reply([Message("user", opener)], NOON))
    assert not answer.startswith(("I heard", "我聽到了"))


async def test_the_time_is_the_persons() -> None:
    agent = LanguageModel(ProviderConfig("demo"), now=lambda: NOON)
    asked = [Message("user", "what time is it")]
    pieces = [str(piece) async for piece in agent.complete(asked, time_zone="Asia/Taipei")]
    assert "".join(pieces).startswith("It is 7:05 in the evening, CST")
    pieces = [str(piece) async for piece in agent.complete(asked, time_zone="Asia/Dubai")]
    assert "".join(pieces) == "It is 3:05 in the afternoon by this machine's clock."

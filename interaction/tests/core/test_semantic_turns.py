"""The end of a turn by its words: what sounds finished, and how long a silence then takes."""

from __future__ import annotations

import pytest

from interaction.core.config import ConversationConfig
from interaction.core.events import PartialTranscript
from interaction.core.orders import EndTurn, FlushTurn, OpenTurn
from interaction.core.turn_taking.outlook import Outlook, outlook
from interaction.core.turn_taking.semantic import Eagerness, SemanticTurnDetection
from interaction.tests.core.screenplay import Screenplay

pytestmark = pytest.mark.unit

SAID: dict[Outlook, tuple[str, ...]] = {
    Outlook.UNFINISHED: (
        "I would like to book a flight to",
        "I would like to book a flight to.",
        "Could you change the name to?",
        "Please add milk and",
        "we could go by train or",
        "she said it was because",
        "I don't know if",
        "it depends on whether",
        "What I wanted to ask is",
        "the question is",
        "I think we should",
        "So the problem is that",
        "I think that",
        "I am looking for a",
        "he lives near the",
        "give it to my",
        "and then we",
        "I'm",
        "I wanted to say that I'm",
        "um",
        "well",
        "I need the, uh",
        "it is, you know,",
        "let me think",
        "it's kind of",
        "I really want",
        "it was very",
        "我想訂一張到台北的票，然後",
        "因為",
        "我要那個",
        "嗯",
        "請幫我",
        "如果",
        "我想跟",
        "我觉得还有",
        "讓我想想",
        "我的問題是",
    ),
    Outlook.FINISHED: (
        "What is the weather like in Paris today?",
        "what time is it now",
        "Where are you from",
        "where do I send it to",
        "How far is it to the station",
        "can you tell me a joke",
        "Is the shop open on Sunday",
        "thank you",
        "That works for me, thanks",
        "yes please",
        "okay",
        "今天天氣怎麼樣呢",
        "你好嗎？",
        "現在幾點",
        "多少錢？",
        "這是什麼",
        "谢谢",
    ),
    Outlook.NUMBER: (
        "four one five",
        "my number is four one five",
        "415",
        "it is 4 1 5",
        "zero seven",
        "A B seven",
        "五",
        "我的電話是零九一二",
        "0912",
    ),
    Outlook.DOUBTFUL: (
        "I like that",
        "turn it on",
        "please come in",
        "yes it is",
        "no I can't",
        "I think so",
        "這是我的",
    ),
    Outlook.UNKNOWN: (
        "Turn the lights off in the kitchen",
        "Book a table for two at seven",
        "my name is John",
        "no",
        "yes",
        "Lisbon",
        "call four one five nine two eight eight three one one",
        "Ich möchte nach",
        "我想去台北車站",
        "",
        "…",
        "!?",
    ),
}


@pytest.mark.parametrize(
    ("expected", "text"), [(look, text) for look, texts in SAID.items() for text in texts]
)
def test_the_last_words_tell_whether_more_is_to_come(expected: Outlook, text: str) -> None:
    assert outlook(text) is expected


def test_languages_without_rules_of_their_own_say_nothing() -> None:
    assert outlook("Bitte an", "de") is Outlook.UNKNOWN
    assert outlook("因為", "ja") is Outlook.UNKNOWN
    assert outlook("because", "en-GB") is Outlook.UNFINISHED
    assert outlook("因為", "zh-TW") is Outlook.UNFINISHED


def understand(play: Screenplay, said: str) -> None:
    """Soon after the person has finished."""
    play.run(until=2.55)
    (turn,) = play.effects_of(OpenTurn)
    assert isinstance(turn, OpenTurn)
    play.engine_reports(2.56, PartialTranscript(turn.turn_id, said))


def silence_before_the_end(said: str, eagerness: Eagerness = "auto") -> int:
    """Milliseconds from the person's last word to the commit, to a frame."""
    detection = SemanticTurnDetection(eagerness)
    play = Screenplay(config=ConversationConfig(turn_detection=detection))
    play.user_speaks(0.5, 2.5)
    if said:
        understand(play, said)
    play.run(until=8)
    return round(1000 * (play.when(EndTurn) - 2.5))


@pytest.mark.parametrize(
    ("said", "ms"),
    [
        ("What time is it now?", 416),
        ("My name is John", 512),
        ("I like that", 900),
        ("four one five", 1_000),
        ("I would like a flight to", 1_600),
        ("", 600),
    ],
)
def test_a_turn_ends_after_the_silence_that_its_words_ask_for(said: str, ms: int) -> None:
    assert abs(silence_before_the_end(said) - ms) <= 48, "to the nearest frame, on either side"


def test_the_eager_answer_sooner_and_the_patient_later() -> None:
    for said in ("My name is John", "I would like a flight to", ""):
        eager, balanced, patient = (
            silence_before_the_end(said, eagerness) for eagerness in ("high", "auto", "low")
        )
        assert eager < balanced < patient


@pytest.mark.parametrize(("said", "prepares"), [("My name is John", True), ("flight to", False)])
def test_no_reply_is_prepared_while_the_words_dangle(said: str, prepares: bool) -> None:
    detection = SemanticTurnDetection(eager_silence_ms=200)
    play = Screenplay(config=ConversationConfig(turn_detection=detection))
    play.user_speaks(0.5, 2.5)
    understand(play, said)
    play.run(until=2.9)
    assert bool(play.effects_of(FlushTurn)) is prepares

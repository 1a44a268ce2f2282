"""What a listener says, what takes the floor, and how loud somebody must be to be the person."""

from __future__ import annotations

import pytest

from interaction.core.turn_taking.considered import ConsideredOverlap
from interaction.core.turn_taking.listening_words import Heard, heard
from interaction.core.turn_taking.loudness import Loudness
from interaction.core.turn_taking.speech_activity import SpeechActivity
from interaction.core.turn_taking.strategy import Overlap, ReplyProgress
from interaction.core.turn_taking.vad import VadTurnDetection
from interaction.core.types import Frame
from interaction.tests.core.screenplay import SILENT

pytestmark = pytest.mark.unit

LISTENING = """Mm-hmm. | mm hmm | Mhm | MM-HMM! | Uh-huh. | uh huh uh huh | Yeah | yeah, yeah, yeah
| Yes. | Yep | Right. | right right | Okay. | OK | O.K. | Ok, okay. | Sure. | I see. | Oh, I see!
| Oh | Oh, really? | Really | Wow! | Exactly. | Hmm. | Hmmmmm | Oh okay | Got it | Makes sense.
| That makes sense | Of course | All right. | Alright | Sounds good | That's right | That’s great.
| Yeah, I know. | uh | Um | No way! | Oh my God | Okay, got it, yeah. | Fair enough | Good | Cool
| 嗯 | 嗯嗯嗯 | 對 | 對對對 | 对对 | 是 | 是的 | 是啊 | 好 | 好的，好的 | 哦
| 喔，原來如此 | 原来如此。 | 真的嗎？ | 真的吗 | 了解 | 沒錯 | 没错 | 這樣啊
| 这样啊 | 我知道 | 嗯，對啊 | 哇 | OK，好 | 沒問題"""
SPEAKING = """what about the price | that's not what I asked | I don't want that one
| let me stop you there | can we talk about something else | how much is it | never mind, forget it
| I think that | one moment please | book the second one | turn it off please | 我不要這個
| 換一個 | 這個多少錢 | 不对我说的是明天 | 等一下 | 停一下 | stop it | Wait a minute | no no I mean
| hold on | excuse me | please stop | what? no"""
ADDING = """yeah but what if | okay, now tell me | right, so how much | Mm-hmm, and then what
| oh no wait | yes stop | I see, but why | 對，但是我想 | 嗯，那明天呢 | okay stop"""
CALLING = "Stop. | wait | No! | Hey | What? | Pardon? | sorry | hello | STOP STOP STOP"
NOTHING = " | . | … | ♪ | [Music] | You | you you you | Thank you. | Thanks. | Bye. | T. | The the"


def cases(text: str) -> list[str]:
    return [part.strip() for part in text.split("|")]


@pytest.mark.parametrize(
    ("kind", "texts"),
    [
        (Heard.LISTENING, LISTENING),
        (Heard.SPEAKING, SPEAKING),
        (Heard.ADDING, ADDING),
        (Heard.CALLING, CALLING),
        (Heard.NOTHING, NOTHING),
    ],
    ids=lambda one: one.name if isinstance(one, Heard) else "",
)
def test_words_are_a_listeners_or_take_the_floor(kind: Heard, texts: str) -> None:
    assert {text: heard(text) for text in cases(texts)} == dict.fromkeys(cases(texts), kind)


@pytest.mark.parametrize("text", ["Lisbon", "Though,", "got", "Ice.", "Yeah so", "Them, them,"])
def test_one_odd_word_is_doubtful(text: str) -> None:
    assert heard(text) is Heard.DOUBTFUL


@pytest.mark.parametrize(
    ("speech_ms", "kind"), [(250, Heard.DOUBTFUL), (1_000, Heard.SPEAKING), (None, Heard.SPEAKING)]
)
def test_more_words_than_anybody_says_in_the_time_are_doubtful(
    speech_ms: int | None, kind: Heard
) -> None:
    assert heard("the heart of the Lord is", "en", speech_ms) is kind


@pytest.mark.parametrize(
    ("text", "language", "kind"),
    [
        ("ja genau", "de-AT", Heard.LISTENING),
        ("ja genau", "en", Heard.SPEAKING),
        ("d'accord", "fr", Heard.LISTENING),
        ("claro", "es-MX", Heard.LISTENING),
        ("なるほど、そうですね。", "ja", Heard.LISTENING),
        ("ちょっと待って", "ja", Heard.SPEAKING),
        ("네", "ko", Heard.LISTENING),
        ("係啊", "yue-HK", Heard.LISTENING),
        ("好的", "zh-TW", Heard.LISTENING),
        ("mm-hmm", "sw", Heard.LISTENING),
        ("okay", "sw", Heard.LISTENING),
    ],
)
def test_a_language_has_its_own_words(text: str, language: str, kind: Heard) -> None:
    assert heard(text, language) is kind


# How loud it is.


def fed(loudness: Loudness, level: float, frames: int, *, speaking: bool = False) -> Loudness:
    for _ in range(frames):
        loudness.on_frame(Frame(SILENT, 0.9 if speaking else 0.0, level), speaking=speaking)
    return loudness


@pytest.mark.parametrize(
    ("room", "level", "stands_out"),
    [(-60, -26, True), (-60, -39, True), (-60, -42, False), (-30, -27, False), (-30, -24, True)],
)
def test_who_stands_out_is_near_the_persons_level_and_above_the_rooms(
    room: float, level: float, stands_out: bool
) -> None:
    loudness = fed(Loudness(), room, 100)
    assert fed(loudness, level, 3, speaking=True).stands_out is stands_out


def test_without_levels_everything_stands_out_and_in_a_room_not_known_what_is_near() -> None:
    loudness = Loudness()
    loudness.on_frame(Frame(SILENT, 1.0), speaking=True)
    assert loudness.stands_out
    assert fed(Loudness(), -30, 5, speaking=True).stands_out
    assert not fed(Loudness(), -38, 5, speaking=True).stands_out


def test_the_persons_level_is_learnt_from_the_turns_that_were_kept() -> None:
    loudness = fed(Loudness(), -60, 100)
    for kept in (False, True, True, True, True):
        loudness.on_turn_opened()
        fed(loudness, -46, 40, speaking=True)
        loudness.on_turn_closed(kept=kept)
        if not kept:
            assert loudness.person_dbfs == -26
    assert loudness.person_dbfs == pytest.approx(-45, abs=1)
    assert loudness.is_near(-50)
    assert loudness.room_dbfs == pytest.approx(-60, abs=0.1)


def considered(person_dbfs: float, room: float = -60) -> tuple[SpeechActivity, ConsideredOverlap]:
    speech = SpeechActivity(0.5, 96)
    fed(speech.loudness, room, 100)
    speech.loudness.person_dbfs = person_dbfs
    return speech, ConsideredOverlap(speech, VadTurnDetection(), "")


@pytest.mark.parametrize(
    ("level", "words", "decisions"),
    [
        (-26, "what about the price", {Overlap.CONTEST, Overlap.INTERRUPT}),
        (-32, "what about the price", {Overlap.CONTEST, Overlap.INTERRUPT}),
        (-38, "what about the price", {Overlap.CONTEST, Overlap.HOLD}),  # next to them
        (-44, "what about the price", {Overlap.HOLD}),  # across the room
        (-26, "mm-hmm", {Overlap.CONTEST, Overlap.HOLD}),
    ],
)
def test_whoever_is_softer_than_the_person_does_not_get_the_floor(
    level: float, words: str, decisions: set[Overlap]
) -> None:
    speech, overlap = considered(-26)
    now, met = 0.0, set()
    for _ in range(40):
        now += 0.032
        frame = Frame(SILENT, 1.0, level)
        speech.on_frame(frame, now)
        overlap.on_frame(frame, now)
        decision = overlap.decide(ReplyProgress.AUDIBLE, now).decision
        if speech.run_ms >= 96 or decision is not Overlap.HOLD:
            met.add(decision)
        if decision is Overlap.CONTEST:
            overlap.on_contested(now)
            speech.loudness.on_turn_opened()
        if now > 0.4:
            overlap.on_transcript(words, now, final=False)
    assert met - {Overlap.HOLD} == decisions - {Overlap.HOLD}

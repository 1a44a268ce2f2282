"""Moonshine: when it is worth a look, what the model makes of speech, and real engine processes."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import jiwer
import numpy as np
import pytest
import pytest_asyncio

from interaction.audio.vad import FRAME_BYTES
from interaction.core.types import FRAME_SAMPLES, ProviderSelection
from interaction.credentials.provider_selection import default_fallbacks, resolve_choice
from interaction.management.commands.bench_engines import (
    READ,
    Recording,
    plain_words,
    read_recording,
    to_pcm,
)
from interaction.providers import errors
from interaction.providers.config import ProviderConfig
from interaction.providers.local._shared import model_files
from interaction.providers.local.moonshine import models
from interaction.providers.local.moonshine.stt import SpeechToText
from interaction.providers.local.moonshine.transcriber import (
    CREDITS,
    END,
    Transcriber,
    _cycle,
    _read_tokens,
    respelled,
)
from interaction.providers.local.moonshine.utterance import (
    FIRST_LOOK,
    FRAMES_PER_SECOND,
    LEAD,
    LEAST_SPEECH,
    LONG_PAUSE,
    LONGEST_SEGMENT,
    PARTIAL_EVERY,
    PAUSE,
    SEGMENT,
    SHORT_EVERY,
    SHORT_LEAD,
    TAIL,
    Segment,
    Utterance,
    _joined,
)
from interaction.providers.registry import entries, missing_requirement
from interaction.providers.stage_protocols import FLUSH, Flush, Transcript
from interaction.tests.providers.adapters import given
from voiceproject.testing.plugin import require

ENTRY = entries("stt")["moonshine"]
TINY, BASE = models.MODELS["tiny-en"], models.MODELS["base-en"]
LOUD, SOFT = b"\x00\x20", b"\x00\x00"
SECOND = 31
"""Frames."""


def placed(model: model_files.WheelModel, folder: Path) -> None:
    """Files as large as its own."""
    (folder / model.name).mkdir()
    for file in model.files:
        (folder / model.name / file.name).touch()
        os.truncate(folder / model.name / file.name, file.size)


# When it is worth a look: with a recogniser that counts, and a detector that knows.


@dataclass
class Counting:
    """Understands a word for each second that it looks at; each look costs ``cost`` seconds."""

    cost: float = 0.0
    now: float = 0.0
    looks: list[float] = field(default_factory=list)
    """Seconds of each."""
    drafts: list[list[int]] = field(default_factory=list)

    def transcribe(self, samples: np.ndarray, draft: Sequence[int] = ()) -> list[int]:
        self.now += self.cost
        self.looks.append(len(samples) / 16_000)
        self.drafts.append(list(draft))
        return list(range(1, 1 + round(len(samples) / 16_000)))

    def text(self, tokens: Sequence[int]) -> str:
        return " ".join(f"w{token}" for token in tokens)


@dataclass
class Talk:
    """An utterance that gets a frame at a time, as from a microphone."""

    ears: Counting = field(default_factory=Counting)
    answers: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.utterance = Utterance(1, self.ears, _loud, lambda: self.ears.now)

    def hear(self, frames: int, sample: bytes = LOUD) -> Talk:
        for _ in range(frames):
            self.utterance.work.append(sample * (FRAME_BYTES // 2))
            self.settle()
        return self

    def pause(self, frames: int) -> Talk:
        return self.hear(frames, SOFT)

    def mark(self, word: str) -> Talk:
        self.utterance.work.append(word)
        self.settle()
        return self

    def settle(self) -> None:
        while self.utterance.due:
            word, text, _ = self.utterance.step()
            self.answers.append((word, text))


def _loud(frame: bytes) -> float:
    return float(frame != SOFT * (len(frame) // 2))


@pytest.mark.parametrize("frames", [1, 16, 31, 32, 100, 1_000, 5_000])
def test_silence_is_never_looked_at(frames: int) -> None:
    talk = Talk().pause(frames).mark("flush").pause(frames).mark("end")
    assert talk.ears.looks == []
    assert {text for _, text in talk.answers} == {""}


@pytest.mark.parametrize("frames", range(1, LEAST_SPEECH))
def test_a_click_is_never_looked_at(frames: int) -> None:
    talk = Talk().pause(5).hear(frames).pause(100).hear(frames).pause(100).mark("end")
    assert talk.ears.looks == []


@pytest.mark.parametrize("seconds", [1, 2, 3, 5, 7])
@pytest.mark.parametrize("silence", [TAIL, 15, 31, 62, 300])
def test_the_end_finds_its_text_ready(seconds: int, silence: int) -> None:
    talk = Talk().hear(seconds * SECOND).pause(silence)
    before = len(talk.ears.looks)
    talk.mark("flush").pause(40).mark("end")
    assert len(talk.ears.looks) == before
    assert talk.answers[-1] == ("end", talk.ears.text(range(1, 1 + seconds)))


@pytest.mark.parametrize("silence", range(TAIL))
def test_an_end_within_the_last_word_is_looked_at_once_more(silence: int) -> None:
    talk = Talk().hear(20).pause(silence)
    before = len(talk.ears.looks)
    talk.mark("end")
    assert len(talk.ears.looks) == before + 1


def test_there_is_a_look_each_half_second_and_more_at_the_first_words() -> None:
    talk = Talk().hear(5 * SECOND)
    early = [FIRST_LOOK, FIRST_LOOK + SHORT_EVERY, FIRST_LOOK + 2 * SHORT_EVERY]
    later = range(early[-1] + PARTIAL_EVERY, 5 * SECOND, PARTIAL_EVERY)
    assert [round(look * FRAMES_PER_SECOND) for look in talk.ears.looks] == [*early, *later]


@pytest.mark.parametrize(("frames", "lead"), [(8, SHORT_LEAD), (16, SHORT_LEAD), (40, LEAD)])
def test_a_short_utterance_is_looked_at_with_little_silence_before_it(
    frames: int, lead: int
) -> None:
    segment = Segment()
    for number in range(30 + frames):
        segment.add(bytes(FRAME_BYTES), number >= 30)
    assert len(segment.samples(segment.end)) == (lead + frames) * FRAME_SAMPLES


@pytest.mark.parametrize("cost", [0.0, 0.02, 0.1, 0.3, 1.0, 3.0])
def test_what_looks_cost_is_bounded_whatever_one_costs(cost: float) -> None:
    talk = Talk(Counting(cost)).hear(11 * SECOND)
    spent = cost * len(talk.ears.looks)
    assert spent <= 0.2 * 11 + cost


def test_a_silence_within_costs_one_look_however_long() -> None:
    talk = Talk().hear(40)
    before = len(talk.ears.looks)
    talk.pause(2_000)
    assert len(talk.ears.looks) == before + 1


def test_each_look_is_given_what_the_one_before_found() -> None:
    talk = Talk().hear(5 * SECOND)
    assert talk.ears.drafts[-1] == list(range(1, 1 + round(talk.ears.looks[-2])))


def test_silence_before_and_after_is_not_looked_at() -> None:
    talk = Talk().pause(500).hear(2 * SECOND).pause(500)
    assert max(talk.ears.looks) < 3


@pytest.mark.parametrize("seconds", [13, 20, 30, 60, 125])
def test_whoever_talks_without_a_pause_is_looked_at_in_parts(seconds: int) -> None:
    talk = Talk().hear(seconds * SECOND).mark("end")
    assert max(talk.ears.looks) <= (LONGEST_SEGMENT + 1) / SECOND
    assert abs(len(talk.answers[-1][1].split()) - seconds) <= 1 + seconds // 10


def test_all_at_once_is_the_same_as_bit_by_bit() -> None:
    slow = Talk().hear(40 * SECOND).mark("end")
    fast = Talk()
    fast.utterance.work.extend([LOUD * (FRAME_BYTES // 2 * 40 * SECOND), "end"])
    fast.settle()
    assert fast.answers[-1] == slow.answers[-1]
    assert len(fast.ears.looks) < len(slow.ears.looks) / 3


def test_a_long_segment_ends_at_a_pause_and_a_short_one_goes_on() -> None:
    talk = Talk().hear(SEGMENT + 2).pause(PAUSE + 1)
    assert talk.utterance.segment.first == -1
    talk = Talk().hear(SEGMENT - 20).pause(PAUSE + 1)
    assert talk.utterance.segment.first == 0
    assert talk.pause(LONG_PAUSE).utterance.segment.first == -1


def test_a_cut_is_made_where_it_is_quietest() -> None:
    talk = Talk().hear(8 * SECOND).hear(2, b"\x00\x01").hear(6 * SECOND)
    first = next(size for size in reversed(talk.ears.looks) if size > 6)
    cut = [size for size in talk.ears.looks if abs(size - 8) < 0.2]
    assert cut
    assert first


@pytest.mark.parametrize("size", [2, 34, 640, 1_000, 1_024, 1_026, 4_998, 32_000, 160_000])
def test_how_the_audio_is_cut_makes_no_difference(size: int) -> None:
    pcm = LOUD * 16_000 * 3 + SOFT * 16_000 + LOUD * 16_000
    talk = Talk()
    talk.utterance.work.extend(pcm[at : at + size] for at in range(0, len(pcm), size))
    talk.mark("end")
    assert talk.answers[-1] == ("end", "w1 w2 w3 w4 w5")


def test_marks_are_answered_in_their_order() -> None:
    talk = Talk()
    piece = LOUD * 32_000
    talk.utterance.work.extend([piece, "flush", "flush", piece, "flush", "end"])
    talk.settle()
    marks = [(word, len(text.split())) for word, text in talk.answers if word != "partial"]
    assert marks == [("flush", 2), ("flush", 2), ("flush", 4), ("end", 4)]


@pytest.mark.parametrize(
    ("before", "after", "whole"),
    [
        ("", "", ""),
        ("Hello.", "", "Hello."),
        ("", "Hello.", "Hello."),
        ("It was.", "It is.", "It was. It is."),
        ("It was", "The best.", "It was the best."),
        ("It was,", "The best.", "It was, the best."),
        ("It was.", "the best.", "It was the best."),
        ("In short,", ", the period", "In short, the period"),
        ("Is it?", "the best", "Is it? the best"),
        ("and", "I am here", "and I am here"),
        ("and", "I'm here", "and I'm here"),
        ("and", "I’m here", "and I’m here"),
        ("and", "It is", "and it is"),
        ("of", "NATO states", "of NATO states"),
        ("of", "42 states", "of 42 states"),
        ("It was!", "Now.", "It was! Now."),
        ("one", "...", "one"),
    ],
)
def test_parts_are_joined_as_if_there_were_no_cut(before: str, after: str, whole: str) -> None:
    assert _joined(before, after) == whole


# The model.


@pytest.mark.parametrize(
    ("tokens", "surplus"),
    [
        ([5] * 7, 0),
        ([5] * 8, 7),
        ([1, 2] * 5, 0),
        ([1, 2] * 6, 10),
        ([9, 1, 2, 3] + [4, 5, 6] * 3, 0),
        ([9, 1, 2, 3] + [4, 5, 6] * 4, 9),
        (list(range(12)) * 4, 36),
        (list(range(60)), 0),
        ([1, 2, 3, 4] * 3 + [5], 0),
        ([], 0),
    ],
)
def test_a_model_that_repeats_itself_is_stopped_and_a_person_is_not(
    tokens: list[int], surplus: int
) -> None:
    assert _cycle(tokens) == surplus


def test_tokens_are_read_whatever_their_length() -> None:
    long = b"x" * 300
    data = b"\x02ab" + b"\x00" + bytes([128 + 300 % 128, 300 // 128]) + long + b"\x01c"
    assert _read_tokens(data) == [b"ab", b"", long, b"c"]


@pytest.fixture(scope="module")
def tiny() -> Transcriber:
    require(TINY.present, "the model tiny-en (make ears)")
    return Transcriber(TINY.path)


@pytest.fixture(scope="module")
def read() -> dict[str, Recording]:
    """Recordings of people who read, by name."""
    package = find_spec("moonshine_voice")
    require(package, "moonshine-voice")
    assert package
    assert package.origin
    folder = Path(package.origin).parent / "assets"
    found = [read_recording(folder / name, text) for name, text in READ.items()]
    return {one.name: one for one in found}


def heard(model: Transcriber, pcm: bytes) -> str:
    utterance = Utterance(1, model)
    utterance.work.extend([pcm, "end"])
    word, text = "", ""
    while word != "end":
        word, text, _ = utterance.step()
    return text


def wer(recording: Recording, text: str) -> float:
    return float(jiwer.wer(plain_words(recording.text), plain_words(text)))


@pytest.mark.parametrize("part", [0.2, 0.5, 0.75, 1.0])
def test_a_draft_makes_it_sooner_and_no_different(
    tiny: Transcriber, read: dict[str, Recording], part: float
) -> None:
    samples = read["beckett"].samples
    draft = tiny.transcribe(samples[: int(part * len(samples))])
    assert tiny.transcribe(samples, draft) == tiny.transcribe(samples)


def test_a_wrong_draft_does_no_harm(tiny: Transcriber, read: dict[str, Recording]) -> None:
    samples = read["beckett"].samples
    plain = tiny.transcribe(samples)
    for draft in ([7] * 50, [END], plain[::-1], [*plain, 9, 9]):
        assert tiny.transcribe(samples, draft) == plain


def test_people_are_understood(tiny: Transcriber, read: dict[str, Recording]) -> None:
    for recording in read.values():
        text = heard(tiny, to_pcm(recording.samples))
        assert wer(recording, text) <= 0.05


@pytest.mark.parametrize(
    ("text", "credits"),
    [
        ("Thank you for watching!", True),
        ("Thanks for watching.", True),
        ("Thank you so much for watching!", True),
        ("© transcript Emily Beynon", True),
        ("Thank you.", False),
        ("Thank you for watching the children.", False),
        ("I said thank you for watching!", False),
    ],
)
def test_the_end_of_a_film_is_nothing_that_anybody_says(text: str, credits: bool) -> None:
    assert bool(CREDITS.fullmatch(text)) == credits


@pytest.mark.parametrize(
    ("text", "now"),
    [
        ("What lies in Paris to-day?", "What lies in Paris today?"),
        ("To-day, to-morrow and to-night.", "Today, tomorrow and tonight."),
        ("Good-by.", "Goodbye."),
        ("Good-bye, John.", "Goodbye, John."),
        ("It is up to-date.", "It is up to-date."),
        ("Is it good by you?", "Is it good by you?"),
        ("Into-day", "Into-day"),
    ],
)
def test_words_are_spelt_as_nowadays(text: str, now: str) -> None:
    assert respelled(text) == now


def test_what_is_no_speech_is_nothing(tiny: Transcriber) -> None:
    random, at = np.random.default_rng(0), np.arange(5 * 16_000) / 16_000
    sounds = {
        "nothing": np.zeros(len(at)),
        "hiss": random.normal(0, 0.001, len(at)),
        "noise": random.normal(0, 0.15, len(at)),
        "a tone": 0.3 * np.sin(2 * np.pi * 440 * at),
        "a hum": 0.2 * np.sign(np.sin(2 * np.pi * 50 * at)),
        "a ring": 0.3 * np.sin(2 * np.pi * 1_400 * at) * (at % 0.5 < 0.25),
        "breath": random.normal(0, 0.05, len(at)) * np.sin(np.pi * at / 2) ** 2,
        "clicks": np.where(np.arange(len(at)) % 4_000 < 3, 0.9, 0.0),
    }
    assert {name: heard(tiny, to_pcm(sound)) for name, sound in sounds.items()} == dict.fromkeys(
        sounds, ""
    )


# Which models there are, and which one serves.


@pytest.mark.usefixtures("own_models")
def test_without_a_model_pocketsphinx_serves() -> None:
    assert missing_requirement(ENTRY) == "model"
    assert resolve_choice("stt", ProviderSelection("")).name == "pocketsphinx"
    assert default_fallbacks("stt") == ()


def test_a_model_that_is_there_serves_its_language_and_pocketsphinx_steps_in(
    own_models: Path,
) -> None:
    placed(TINY, own_models)
    assert missing_requirement(ENTRY) == ""
    assert resolve_choice("stt", ProviderSelection("")).name == "moonshine"
    assert default_fallbacks("stt") == (ProviderSelection("pocketsphinx"),)
    german = resolve_choice("stt", ProviderSelection("", language="de"))
    assert german.name == "pocketsphinx"


def test_the_larger_model_is_the_better_one(own_models: Path) -> None:
    placed(TINY, own_models)
    assert models.best("en-US") == TINY
    placed(BASE, own_models)
    assert models.best("en-GB") == BASE
    assert models.best("en", "tiny-en") == TINY
    assert models.best("de") is None


def test_half_a_model_is_none(own_models: Path) -> None:
    placed(TINY, own_models)
    os.truncate(TINY.path / TINY.files[0].name, TINY.files[0].size - 1)
    assert models.best("en") is None


# Engine processes.


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stt(processes: None) -> AsyncIterator[SpeechToText]:
    """Shared by the tests, as it is by the utterances of a worker."""
    require(TINY.present, "the model tiny-en (make ears)")
    stt = SpeechToText(ProviderConfig("moonshine", model="tiny-en"))
    await stt.warm()
    yield stt
    await stt.aclose()


async def transcripts_of(stt: SpeechToText, *audio: bytes | Flush) -> list[Transcript]:
    return [transcript async for transcript in stt.transcribe(given(*audio))]


@pytest.fixture(scope="module")
def line(read: dict[str, Recording]) -> bytes:
    return to_pcm(read["beckett"].samples)


@pytest.mark.asyncio(loop_scope="module")
async def test_a_flush_gives_a_final_and_the_utterance_goes_on(
    stt: SpeechToText, line: bytes
) -> None:
    heard = await transcripts_of(stt, line, bytes(32_000), FLUSH, line, bytes(32_000))
    first, both = [transcript.text for transcript in heard if transcript.final]
    assert both.startswith(first)
    assert len(both.split()) == 2 * len(first.split())


@pytest.mark.asyncio(loop_scope="module")
async def test_nothing_said_is_an_empty_final(stt: SpeechToText) -> None:
    assert await transcripts_of(stt) == [Transcript("", final=True)]
    assert (await transcripts_of(stt, bytes(64_000)))[-1] == Transcript("", final=True)
    assert await transcripts_of(stt, FLUSH) == [Transcript("", final=True)] * 2


@pytest.mark.asyncio(loop_scope="module")
async def test_people_who_talk_at_once_do_not_hear_each_other(
    stt: SpeechToText, line: bytes
) -> None:
    parts = [line[: seconds * 32_000] for seconds in (3, 5, 10)] * 2
    alone = [(await transcripts_of(stt, part))[-1].text for part in parts[:3]]
    together = await asyncio.gather(*(transcripts_of(stt, part) for part in parts))
    assert [answers[-1].text for answers in together] == alone * 2


@pytest.mark.asyncio(loop_scope="module")
async def test_whoever_goes_in_the_middle_leaves_the_others_alone(
    stt: SpeechToText, line: bytes
) -> None:
    begun = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        yield line
        begun.set()
        await asyncio.Event().wait()

    async def leave() -> None:
        async for _ in stt.transcribe(endless()):
            pass

    leaving = asyncio.create_task(leave())
    await begun.wait()
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    assert (await transcripts_of(stt, line))[-1].text


@pytest.mark.asyncio(loop_scope="module")
async def test_a_killed_engine_costs_its_utterances_and_comes_back(
    stt: SpeechToText, line: bytes
) -> None:
    async def talking() -> AsyncIterator[bytes]:
        yield line
        for pid in stt.pids:
            os.kill(pid, signal.SIGKILL)
        await asyncio.Event().wait()

    with pytest.raises(errors.ProviderUnavailable):
        async for _ in stt.transcribe(talking()):
            pass
    assert (await transcripts_of(stt, line))[-1].text


async def test_a_damaged_model_is_said_once_and_then_gone(
    own_models: Path, processes: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files are as large as they should be, and empty."""
    monkeypatch.setattr(SpeechToText, "processes", 1)
    placed(TINY, own_models)
    stt = SpeechToText(ProviderConfig("moonshine"))
    with pytest.raises(errors.ProviderUnavailable, match=r"manage\.py models tiny-en"):
        await transcripts_of(stt, bytes(3_200))
    await stt.aclose()
    assert resolve_choice("stt", ProviderSelection("")).name == "pocketsphinx"


@pytest.mark.usefixtures("own_models")
@pytest.mark.parametrize(
    ("config", "said"),
    [
        (ProviderConfig("moonshine", language="de"), "for the language de"),
        (ProviderConfig("moonshine"), "for the language en"),
        (ProviderConfig("moonshine", model="huge-en"), "no Moonshine model huge-en"),
    ],
)
async def test_no_model_is_a_refusal(
    config: ProviderConfig, said: str, processes: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SpeechToText, "processes", 1)
    stt = SpeechToText(config)
    with pytest.raises(errors.ProviderRefused, match=said):
        await transcripts_of(stt, bytes(3_200))
    await stt.aclose()

"""The things to say that pages and the demo agent suggest are understood, from many voices."""

from __future__ import annotations

import subprocess
from datetime import datetime
from pathlib import Path

import pytest

from interaction.audio import wav
from interaction.audio.resample import Resampler
from interaction.core.types import INPUT_SAMPLE_RATE, Message
from interaction.openers import OPENERS
from interaction.providers.local.demo.llm import reply
from interaction.providers.local.demo.small_talk import SUGGESTIONS
from interaction.providers.local.moonshine.models import MODELS
from interaction.providers.local.moonshine.transcriber import Transcriber
from interaction.providers.local.moonshine.utterance import Utterance
from voiceproject.testing.plugin import program, require

SENTENCES = dict.fromkeys((*OPENERS["en"], *(said for row in SUGGESTIONS.values() for said in row)))
NOW = datetime(2026, 3, 4, 12, 30)
SILENCE = bytes(INPUT_SAMPLE_RATE)
FLITE = ("slt", "kal", "awb", "rms")
ESPEAK = (("en-us", 150), ("en-gb+f3", 150), ("en-us+m3", 130))
PITCH = (("slt", 200), ("rms", -200))
"""Voices of flite, of espeak-ng with words a minute, and of flite higher or lower by so many
cents."""

pytestmark = pytest.mark.usefixtures("processes")


@pytest.fixture(scope="module")
def tiny() -> Transcriber:
    model = MODELS["tiny-en"]
    require(model.present, "the model tiny-en (make ears)")
    return Transcriber(model.path)


def voices(text: str, folder: Path) -> dict[str, Path]:
    """Recordings of the sentence, by voice."""
    flite, espeak, sox = program("flite"), program("espeak-ng"), program("sox")
    commands: dict[str, list[str]] = {
        name: [flite, "-voice", name, "-t", text, "-o", str(folder / name)] for name in FLITE
    }
    for name, pace in ESPEAK:
        commands[name] = [espeak, "-v", name, "-s", str(pace), "-w", str(folder / name), text]
    running = [subprocess.Popen(command) for command in commands.values()]
    assert not any(process.wait() for process in running)
    for name, cents in PITCH:
        higher = folder / f"{name}{cents}"
        source = ["-t", "wav", str(folder / name), "-t", "wav", str(higher)]
        subprocess.run([sox, "-D", *source, "gain", "-3", "pitch", str(cents)], check=True)
        commands[higher.name] = []
    return {name: folder / name for name in commands}


def heard(model: Transcriber, path: Path) -> str:
    with path.open("rb") as file:
        sound = wav.read(file, 60)
    resampler = Resampler(sound.rate, INPUT_SAMPLE_RATE)
    pcm = resampler.feed(sound.pcm) + resampler.finish()
    utterance = Utterance(1, model)
    utterance.work.extend([SILENCE, pcm, SILENCE, "end"])
    word, text = "", ""
    while word != "end":
        word, text, _ = utterance.step()
    return text


@pytest.mark.parametrize("sentence", SENTENCES)
def test_what_is_suggested_is_understood(sentence: str, tiny: Transcriber, tmp_path: Path) -> None:
    answer = reply([Message("user", sentence)], NOW)
    texts = {name: heard(tiny, path) for name, path in voices(sentence, tmp_path).items()}
    wrong = {
        name: text for name, text in texts.items() if reply([Message("user", text)], NOW) != answer
    }
    assert wrong == {}


def test_there_is_something_to_say() -> None:
    assert len(OPENERS["en"]) == 3

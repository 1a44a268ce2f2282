"""``manage.py bench_engines``: how well the recognisers of this machine understand people, and what
that costs."""

from __future__ import annotations

import asyncio
import re
from argparse import ArgumentParser
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rich.console import Console
from rich.table import Table

from interaction.audio import wav
from interaction.audio.resample import Resampler
from interaction.core.types import INPUT_SAMPLE_RATE
from interaction.providers.config import ProviderConfig
from interaction.providers.local._shared.process_stt import ProcessSpeechToText
from interaction.providers.local.moonshine.models import MODELS
from interaction.providers.local.moonshine.stt import SpeechToText as Moonshine
from interaction.providers.local.pocketsphinx.stt import SpeechToText as PocketSphinx

TESTDATA = Path("/usr/share/pocketsphinx/test/data")
"""Where Debian's package pocketsphinx-testdata puts its recordings: LibriVox, and playing cards."""
TRANSCRIPTS = (TESTDATA / "librivox/transcription", TESTDATA / "cards/cards.transcription")
# Charles Dickens, A Tale of Two Cities (1859); Samuel Beckett, Worstward Ho (1983), a line.
READ = {
    "two_cities.wav": (
        "It was the best of times, it was the worst of times, it was the age of wisdom, it was the"
        " age of foolishness, it was the epoch of belief, it was the epoch of incredulity, it was"
        " the season of Light, it was the season of Darkness, it was the spring of hope, it was the"
        " winter of despair, we had everything before us, we had nothing before us, we were all"
        " going direct to Heaven, we were all going direct the other way - in short, the period was"
        " so far like the present period, that some of its noisiest authorities insisted on its"
        " being received, for good or for evil, in the superlative degree of comparison only."
    ),
    "beckett.wav": "Ever tried. Ever failed. No matter. Try again. Fail again. Fail better.",
}
"""By recording of the package moonshine-voice."""
MISREAD = {"a more a amiable": "a more amiable"}
"""What a transcript has wrong, and what is said."""
NOISE_DB = 15
SILENCE = bytes(INPUT_SAMPLE_RATE)
"""Half a second after each recording, as the end of a turn has it."""
PIECE = 3_200
PACE = 4.0
"""Times as fast as speech: partials are made as often as in a conversation."""
SETTLED = 0.05
"""Seconds in which an engine that has nothing to do uses no processor time."""


@dataclass(frozen=True)
class Recording:
    name: str
    text: str
    samples: np.ndarray
    """float32, 16 kHz."""

    @property
    def seconds(self) -> float:
        return len(self.samples) / INPUT_SAMPLE_RATE


@dataclass
class Figures:
    errors: int = 0
    words: int = 0
    speech_s: float = 0.0
    cpu_s: float = 0.0
    worst_final_s: float = 0.0


class Command(BaseCommand):
    help = str(
        gettext_lazy(
            "Measure this machine's speech recognisers on recordings of people that packages ship:"
            " word error rate, processor time for a second of speech, and processor time from the"
            " end of a turn to its transcript. Takes minutes; needs `make install-dev`."
        )
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("engines", nargs="*", metavar="ENGINE", help="pocketsphinx, tiny-en, …")

    def handle(self, *args: Any, **options: Any) -> None:
        if missing := [name for name in ("jiwer", "psutil") if find_spec(name) is None]:
            raise CommandError(
                _("%(packages)s is missing: run `make install-dev`.")
                % {"packages": ", ".join(missing)}
            )
        found = list(recordings())
        if not found:
            raise CommandError(
                _("There are no recordings: run `make install-dev`, and install the Debian package")
                + " pocketsphinx-testdata."
            )
        table = Table(box=None, pad_edge=False)
        titles = (_("Engine"), _("Sound"), _("Words"), _("WER %"))
        for title in (*titles, _("CPU s a second"), _("Final, CPU ms")):
            table.add_column(title)
        for name in options["engines"] or _engines():
            for sound, changed in _sounds(found).items():
                figures = asyncio.run(_measured(name, changed))
                table.add_row(name, sound, *_row(figures))
        Console(file=cast("IO[str]", self.stdout), highlight=False).print(table)


def _engines() -> list[str]:
    return ["pocketsphinx", *(name for name, model in MODELS.items() if model.present)]


def _row(found: Figures) -> Iterator[str]:
    yield str(found.words)
    yield f"{100 * found.errors / found.words:.1f}"
    yield f"{found.cpu_s / found.speech_s:.3f}"
    yield f"{1_000 * found.worst_final_s:.0f}"


def recordings() -> Iterator[Recording]:
    """Those that are on this machine."""
    for path in TRANSCRIPTS:
        for line in path.read_text().splitlines() if path.exists() else ():
            if found := re.fullmatch(r"<s>(.*)</s>\s*\((.*)\)", line.strip()):
                text = found[1].strip()
                for wrong, right in MISREAD.items():
                    text = text.replace(wrong, right)
                yield read_recording(path.with_name(f"{found[2]}.wav"), text)
    package = find_spec("moonshine_voice")  # not imported: it would load its library
    if package and package.origin:
        for name, text in READ.items():
            yield read_recording(Path(package.origin).parent / "assets" / name, text)


def read_recording(path: Path, text: str) -> Recording:
    """A WAV file, with what is said in it."""
    with path.open("rb") as file:
        sound = wav.read(file, 600)
    resampler = Resampler(sound.rate, INPUT_SAMPLE_RATE)
    pcm = resampler.feed(sound.pcm) + resampler.finish()
    return Recording(path.stem, text, np.frombuffer(pcm, dtype="<i2").astype(np.float32) / 32_768)


def _sounds(recordings: Sequence[Recording]) -> dict[str, list[Recording]]:
    """The recordings as they are, in noise (always the same), and as a telephone has them."""
    random = np.random.default_rng(0)

    def noisy(samples: np.ndarray) -> np.ndarray:
        level = np.sqrt(np.square(samples).mean()) * 10 ** (-NOISE_DB / 20)
        return samples + random.normal(0, level, len(samples)).astype(np.float32)

    def telephone(samples: np.ndarray) -> np.ndarray:
        there, back = Resampler(INPUT_SAMPLE_RATE, 8_000), Resampler(8_000, INPUT_SAMPLE_RATE)
        narrow = there.feed(to_pcm(samples)) + there.finish()
        wide = back.feed(narrow) + back.finish()
        return np.frombuffer(wide, dtype="<i2").astype(np.float32) / 32_768

    changes: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        _("clean"): lambda samples: samples,
        f"{NOISE_DB} dB": noisy,
        "8 kHz": telephone,
    }
    return {
        sound: [Recording(one.name, one.text, change(one.samples)) for one in recordings]
        for sound, change in changes.items()
    }


def to_pcm(samples: np.ndarray) -> bytes:
    """float32, -1 to 1, as s16le."""
    return (samples.clip(-1, 1) * 32_767).astype("<i2").tobytes()


async def _measured(name: str, recordings: Sequence[Recording]) -> Figures:
    import jiwer

    engine: ProcessSpeechToText = (
        Moonshine(ProviderConfig("moonshine", model=name))
        if name in MODELS
        else PocketSphinx(ProviderConfig(name))
    )
    await engine.warm()
    figures = Figures()
    try:
        for recording in recordings:
            text, cpu_s, final_s = await _heard(engine, recording)
            said = jiwer.process_words(plain_words(recording.text), plain_words(text) or "-")
            figures.errors += said.substitutions + said.deletions + said.insertions
            figures.words += len(plain_words(recording.text).split())
            figures.speech_s += recording.seconds
            figures.cpu_s += cpu_s
            figures.worst_final_s = max(figures.worst_final_s, final_s)
    finally:
        await engine.aclose()
    return figures


async def _heard(engine: ProcessSpeechToText, recording: Recording) -> tuple[str, float, float]:
    """What it understands, all processor time, and that from the end to the transcript."""
    began = _cpu_s(engine)
    at_end = began
    pcm = to_pcm(recording.samples) + SILENCE

    async def spoken() -> AsyncIterator[bytes]:
        nonlocal at_end
        for start in range(0, len(pcm), PIECE):
            yield pcm[start : start + PIECE]
            await asyncio.sleep(PIECE / 2 / INPUT_SAMPLE_RATE / PACE)
        at_end = await _settled(engine)

    text = ""
    async for transcript in engine.transcribe(spoken()):
        text = transcript.text
    ended = _cpu_s(engine)
    return text, ended - began, ended - at_end


async def _settled(engine: ProcessSpeechToText) -> float:
    """The processor time of an engine that has done all it had to do so far."""
    before, now = -1.0, _cpu_s(engine)
    while now != before:
        await asyncio.sleep(SETTLED)
        before, now = now, _cpu_s(engine)
    return now


def _cpu_s(engine: ProcessSpeechToText) -> float:
    import psutil

    return sum(sum(psutil.Process(pid).cpu_times()[:2]) for pid in engine.pids)


def plain_words(text: str) -> str:
    """As word error rates compare it: no case, no punctuation."""
    words = text.lower().replace("-", " ").replace("mr.", "mister")
    return " ".join(re.findall(r"[a-z']+", words))

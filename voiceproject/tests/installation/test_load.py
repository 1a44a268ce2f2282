"""Many ``manage.py talk`` at once: each is answered to its own words, and none loses a sample.

Tells the latencies (``pytest -s``); none is asserted, since machines differ.
"""

from __future__ import annotations

import io
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest

from interaction.audio import wav
from interaction.core.metrics import METRIC_NAMES
from interaction.core.types import INPUT_SAMPLE_RATE, OUTPUT_SAMPLE_RATE
from interaction.talk.sound import end_of_speech
from interaction.tests.standins.openai import mark
from voiceproject.environment import BASE_DIR
from voiceproject.testing.calling import Caller, measured
from voiceproject.testing.installation import wait_until
from voiceproject.testing.stack import Providers

SENTENCES = (
    "what is the weather like in paris today",
    "my name is john",
    "where is the nearest station",
    "i would like a cup of tea",
    "please read me the news",
    "what is the capital of france",
    "my sister lives in new york",
    "turn on the lights in the kitchen",
)
TONES = range(1_500, 6_500, 250)
"""Hz, one a caller."""
MOST = 180.0
"""Seconds until a caller is given up."""

Spoken = Callable[[str], wav.Sound]


class Call:
    """One ``talk`` as a process of its own. It waits for its token, which comes through a pipe."""

    def __init__(self, caller: Caller, folder: Path, said: bytes, *options: str) -> None:
        self.caller = caller
        self.said = said
        self._token = folder / "token"
        self._pipe: int | None = None
        folder.mkdir()
        os.mkfifo(self._token)
        file = folder / "said.wav"
        file.write_bytes(wav.wrap(said, INPUT_SAMPLE_RATE))
        words = [str(file), "--json", "--out", str(folder), "--token-file", str(self._token)]
        self._process = subprocess.Popen(
            [sys.executable, str(BASE_DIR / "manage.py"), "talk", *words, *options],
            env=caller.parley.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._process.kill()
        self._process.communicate()

    def is_at_the_door(self) -> bool:
        """Has it opened the pipe, to read its token?"""
        assert self._process.poll() is None, self._process.communicate()[1]
        if self._pipe is None:
            with suppress(OSError):  # nobody reads yet
                self._pipe = os.open(self._token, os.O_WRONLY | os.O_NONBLOCK)
        return self._pipe is not None

    def let_in(self) -> None:
        assert self._pipe is not None
        os.write(self._pipe, self.caller.token.encode())
        os.close(self._pipe)

    def finish(self) -> Answer:
        out, errors = self._process.communicate(timeout=MOST)
        assert self._process.returncode == 0, errors
        printed = json.loads(out)
        (turn,) = printed["turns"]
        with Path(turn["reply_file"]).open("rb") as file:
            return Answer(printed["session_id"], self.said, turn, wav.read(file, MOST).pcm)


@dataclass
class Answer:
    session_id: str
    said: bytes
    turn: dict[str, Any]
    reply: bytes

    @property
    def level(self) -> float:
        return float(np.sqrt(np.mean(np.frombuffer(self.reply, "<i2").astype(float) ** 2)))

    @property
    def pitch(self) -> float:
        """Hz of the loudest tone."""
        spectrum = np.abs(np.fft.rfft(np.frombuffer(self.reply, "<i2")))
        return float(spectrum.argmax() * OUTPUT_SAMPLE_RATE / 2 / (len(spectrum) - 1))


def all_at_once(
    caller: Caller, folder: Path, recordings: list[bytes], *options: str
) -> list[Answer]:
    """What each of these hears, who all begin to talk at the same time."""
    with ExitStack() as stack:
        calls = [
            stack.enter_context(Call(caller, folder / str(number), said, *options))
            for number, said in enumerate(recordings)
        ]
        for call in calls:
            wait_until("everybody is at the door", call.is_at_the_door, MOST)
        for call in calls:
            call.let_in()
        return [call.finish() for call in calls]


def nothing_was_lost(caller: Caller, answer: Answer) -> None:
    """What is kept of both sides is, sample for sample, what was said and what was heard."""
    assert answer.turn["error"] is None
    wait_until("the turn is kept", lambda: caller.turns(answer.session_id), 60)
    (turn,) = caller.turns(answer.session_id)
    assert turn["end_reason"] == "played"
    assert turn["utterance"]["text"] == answer.turn["transcript"]
    path = f"interaction/sessions/{answer.session_id}/turns/{turn['id']}/audio?side="
    user, agent = (sound(caller.request("GET", path + side)[1]) for side in ("user", "agent"))
    assert agent == answer.reply
    second = bytes(2 * INPUT_SAMPLE_RATE)
    at = (second + answer.said + second).find(user)
    assert at >= 0, "it is not one piece of what was sent"
    end = len(second) + end_of_speech(answer.said)
    assert at + len(user) >= end, "its end is missing"


def sound(file: bytes) -> bytes:
    return wav.read(io.BytesIO(file), MOST).pcm


def print_latency(what: str, answers: list[Answer]) -> None:
    measured(f"{what:<20} {'median':>8} {'worst':>8}   ms")
    for metric in METRIC_NAMES:
        figures = [answer.turn["latency"].get(metric) for answer in answers]
        known = [figure for figure in figures if figure is not None]
        if known:
            measured(f"{metric:<20} {statistics.median(known):>8.0f} {max(known):>8.0f}")


@pytest.mark.parametrize("number", [3, pytest.param(8, marks=pytest.mark.bench)])
def test_some_talk_at_once_on_local_engines(
    number: int, caller: Caller, spoken: Spoken, tmp_path: Path
) -> None:
    """Eight are what an idle machine of two cores bears: they stand apart, as a benchmark."""
    sentences = SENTENCES[:number]
    answers = all_at_once(caller, tmp_path, [spoken(text).pcm for text in sentences])
    print_latency(f"{number}, local", answers)
    assert [answer.turn["transcript"] for answer in answers] == list(sentences)
    for text, answer in zip(sentences, answers, strict=True):
        assert answer.turn["reply"] == f"You said: {text}"
        assert answer.level > 100
        nothing_was_lost(caller, answer)


@pytest.mark.parametrize("number", [8, pytest.param(len(TONES), marks=pytest.mark.bench)])
def test_many_talk_at_once_to_remote_providers(
    number: int, caller: Caller, standin: Providers, spoken: Spoken, tmp_path: Path
) -> None:
    pcm = spoken("my name is john").pcm
    options = [word for stage in ("stt", "llm", "tts") for word in (f"--{stage}", "openai")]
    tones = TONES[:number]
    recordings = [mark(pcm, INPUT_SAMPLE_RATE, hz) for hz in tones]
    answers = all_at_once(caller, tmp_path, recordings, *options)
    print_latency(f"{number}, remote", answers)
    for hz, answer in zip(tones, answers, strict=True):
        assert answer.turn["transcript"] == f"caller {hz}"
        assert answer.turn["reply"] == f"You said: caller {hz}."
        assert abs(answer.pitch - hz) < 5
        nothing_was_lost(caller, answer)

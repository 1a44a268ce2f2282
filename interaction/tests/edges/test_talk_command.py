"""``manage.py talk`` against a real server."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from interaction.audio import wav
from interaction.models import ApiToken, Session
from interaction.talk.sound import SimulatedPlayback, end_of_speech
from interaction.tests.fakes.scripted_engine import TRANSCRIPT, tone
from voiceproject.testing.web import WebServer


@pytest.fixture
def file(tmp_path: Path, spoken: Callable[[str], wav.Sound]) -> Path:
    path = tmp_path / "question.wav"
    sound = spoken(TRANSCRIPT)
    path.write_bytes(wav.wrap(sound.pcm, sound.rate))
    return path


@pytest.fixture
def talk(web: WebServer, owner: Any) -> Callable[..., str]:
    def run(*args: str | Path, **options: Any) -> str:
        out = io.StringIO()
        options.setdefault("url", web.url)
        call_command("talk", *map(str, args), stdout=out, **options)
        return out.getvalue()

    return run


def test_a_file_and_a_text_are_turns_of_one_session(
    talk: Callable[..., str], file: Path, tmp_path: Path
) -> None:
    replies = tmp_path / "replies"
    heard = json.loads(talk(file, "--json", text=["hello"], out=replies))
    assert heard["ok"]
    assert [turn["transcript"] for turn in heard["turns"]] == [TRANSCRIPT, "hello"]
    assert [turn["reply"] for turn in heard["turns"]] == [
        f"You said: {TRANSCRIPT}.",
        "You said: hello.",
    ]
    for turn in heard["turns"]:
        with Path(turn["reply_file"]).open("rb") as reply:
            assert wav.read(reply, 60).pcm == tone(1_000)
        assert turn["latency"]["ear"] is not None
    assert heard["summary"]["turns"] == 2
    session = Session.objects.get()
    assert (session.status, session.end_reason) == ("ended", "ended")
    assert not ApiToken.objects.exists(), "the token for this run alone is gone"


def test_who_steps_in_and_tools_are_chosen_for_the_session(talk: Callable[..., str]) -> None:
    talk(text=["hello"], llm="demo,echo/any", tool=["current_time"])
    kept = Session.objects.get().settings
    assert kept["providers"]["llm"]["name"] == "demo"
    assert [one["name"] for one in kept["fallbacks"]["llm"]] == ["echo"]
    assert [one["name"] for one in kept["fallbacks"]["tts"]] == ["espeak"], "the server's own"
    assert kept["tools"] == ["current_time"]


def test_it_prints_events_words_and_latencies(talk: Callable[..., str], token: str) -> None:
    printed = talk("--text", "hello")
    for wanted in ("session_started", "response_ended", "You said: hello.", "llm_ttft"):
        assert wanted in printed
    assert token not in printed


def test_push_to_talk_ends_the_turn_with_the_file(talk: Callable[..., str], file: Path) -> None:
    heard = json.loads(talk(file, "--json", push_to_talk=True))
    assert [turn["transcript"] for turn in heard["turns"]] == [TRANSCRIPT]


def test_what_got_no_reply_is_named_and_fails(talk: Callable[..., str], tmp_path: Path) -> None:
    silence = tmp_path / "silence.wav"
    silence.write_bytes(wav.wrap(bytes(16_000), 16_000))
    with pytest.raises(CommandError, match=r"silence\.wav, please fail"):
        talk(silence, text=["please fail"])


def test_a_wrong_token_is_told(talk: Callable[..., str], tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text("pt_wrong\n")
    with pytest.raises(CommandError, match="unauthenticated") as refused:
        talk(text=["hello"], token_file=str(secret))
    assert "pt_wrong" not in str(refused.value)


def test_a_server_that_does_not_run_is_told(talk: Callable[..., str]) -> None:
    with pytest.raises(CommandError, match="Is the server running"):
        talk(text=["hello"], url="http://127.0.0.1:9")


def test_a_server_elsewhere_needs_a_token(talk: Callable[..., str]) -> None:
    with pytest.raises(CommandError, match="PARLEY_TOKEN"):
        talk(text=["hello"], url="https://parley.example")


def test_a_file_that_cannot_be_read_is_named(talk: Callable[..., str], tmp_path: Path) -> None:
    noise = tmp_path / "noise.mp3"
    noise.write_bytes(b"ID3" + bytes(100))
    with pytest.raises(CommandError, match=r"noise\.mp3"):
        talk(noise)
    with pytest.raises(CommandError, match=r"nothing\.wav"):
        talk(tmp_path / "nothing.wav")
    with pytest.raises(CommandError, match="--text"):
        talk()


class TestSimulatedPlayback:
    def test_it_ends_when_all_that_will_come_has_been_played(self) -> None:
        playback = SimulatedPlayback(24_000)
        playback.add_audio(tone(300), last=False)
        playback.advance(200)
        assert not playback.ended
        playback.advance(200)
        assert (playback.played_ms, playback.underruns, playback.ended) == (300, 1, False)
        playback.add_audio(b"", last=True)
        assert playback.ended

    def test_running_dry_is_counted_once_a_gap(self) -> None:
        playback = SimulatedPlayback(24_000)
        playback.add_audio(tone(100), last=False)
        for _ in range(3):
            playback.advance(100)
        playback.add_audio(tone(100), last=False)
        playback.advance(50)
        assert playback.underruns == 1


def test_the_end_of_speech_is_where_it_falls_silent() -> None:
    assert end_of_speech(tone(500) + bytes(10_000)) == len(tone(500))
    assert end_of_speech(bytes(10_000)) == 0

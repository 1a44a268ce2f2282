"""The whole conversation as one recording: which samples sound, and how it is served."""

from __future__ import annotations

import io
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
import soundfile
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.test import AsyncClient
from django.test import Client as Browser

from history.hearing import flac, peaks
from history.hearing.axis import lay_out_turns
from history.hearing.whole import HEADER_BYTES, WholeRecording
from history.models import TurnPeaks
from history.tests.conftest import add_turn
from interaction.audio import wav
from interaction.models import ApiToken, Session, Turn

Talked = Callable[..., Session]
SESSIONS = "/api/v1/interaction/sessions"
CLICK = 20_000


def clicks(rate: int, ms: int, *at_ms: float) -> bytes:
    """A silent recording with one loud sample at each of these places."""
    samples = np.zeros(rate * ms // 1000, "<i2")
    for at in at_ms:
        samples[round(at * rate / 1000)] = CLICK
    return wav.wrap(samples.tobytes(), rate)


def record(turn: Turn, **sides: bytes) -> Turn:
    for side, content in sides.items():
        turn.audio(side).save(f"{uuid4()}.wav", ContentFile(content), save=False)
    turn.save()
    return turn


@pytest.fixture
def heard(talked: Talked) -> Session:
    """Two turns: each side clicks at known times, and the first reply was cut off."""
    session = talked(turns=0)
    first = add_turn(
        session,
        user_audio_started_ms=160,
        speech_started_ms=480,
        speech_ended_ms=1_472,
        user_audio_ms=1_912,
        reply_started_ms=2_530,
        agent_audio_ms=2_000,
        heard_ms=700,
        heard_text="Hello John.",
        end_reason="interrupted",
        interrupted=True,
    )
    record(
        first, user=clicks(16_000, 1_912, 320, 1_300.5), agent=clicks(24_000, 2_000, 10, 690, 800)
    )
    second = add_turn(
        session,
        sequence=2,
        user_audio_started_ms=3_000,
        speech_started_ms=3_300,
        speech_ended_ms=4_300,
        user_audio_ms=1_900,
        reply_started_ms=5_500,
        agent_audio_ms=1_000,
        heard_ms=1_000,
    )
    record(second, user=clicks(16_000, 1_900, 1_000), agent=clicks(24_000, 1_000, 0, 999))
    return session


LEFT = [160 + 320, 160 + 1_300.5, 3_000 + 1_000]
RIGHT = [2_530 + 10, 2_530 + 690, 5_500, 5_500 + 999]
"""Where they click, in ms; the first reply's last one, at 800, was not heard."""


def whole_of(session: Session) -> WholeRecording:
    return WholeRecording.of(lay_out_turns(session.turns.select_related("latency")))


def samples_of(content: bytes) -> np.ndarray[Any, Any]:
    with wave.open(io.BytesIO(content)) as file:
        assert (file.getnchannels(), file.getframerate(), file.getsampwidth()) == (2, 24_000, 2)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)


def clicks_in(channel: np.ndarray[Any, Any]) -> list[float]:
    """Where it is loudest, in ms."""
    loud = np.abs(channel.astype(int)) > CLICK // 2
    starts = np.flatnonzero(loud & ~np.concatenate([[False], loud[:-1]]))
    return [float(start) / 24 for start in starts]


def test_each_sound_is_where_it_was_on_the_clock_the_person_left_and_the_agent_right(
    heard: Session,
) -> None:
    whole = whole_of(heard)
    samples = samples_of(b"".join(whole.wav(0, whole.wav_bytes)))
    assert len(samples) == whole.frames == 6_500 * 24
    assert clicks_in(samples[:, 0]) == pytest.approx(LEFT, abs=1)
    assert clicks_in(samples[:, 1]) == pytest.approx(RIGHT, abs=0.05)


def test_any_stretch_of_it_is_the_same_as_of_the_whole(heard: Session) -> None:
    whole = whole_of(heard)
    content = b"".join(whole.wav(0, whole.wav_bytes))
    size = len(content)
    assert size == whole.wav_bytes
    edges = [0, 1, 43, 44, 45, 46, 47, 48, 96_044, 96_045, 100_001, size // 2 + 1, size - 1, size]
    for start in edges:
        for end in edges:
            if start < end:
                assert b"".join(whole.wav(start, end)) == content[start:end], (start, end)


def test_flac_holds_the_same_samples_and_says_how_many(heard: Session) -> None:
    whole = whole_of(heard)
    with soundfile.SoundFile(io.BytesIO(b"".join(flac.encode(whole)))) as file:
        assert (file.frames, file.samplerate, file.channels) == (whole.frames, 24_000, 2)
        samples = file.read(dtype="int16")
    assert np.array_equal(samples, samples_of(b"".join(whole.wav(0, whole.wav_bytes))))


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"RIFF"),
        lambda path: path.write_bytes(b"no WAV at all" * 9),
        lambda path: path.write_bytes(path.read_bytes()[:60]),
        lambda path: path.write_bytes(wav.wrap(bytes(2_000), 22_055)),
        lambda path: path.write_bytes(path.read_bytes()[:22] + b"\2" + path.read_bytes()[23:]),
    ],
    ids=["lost", "empty", "a header's begin", "foreign", "cut off", "odd rate", "stereo"],
)
def test_a_recording_that_cannot_be_read_is_silent_and_the_rest_sounds(
    heard: Session, damage: Callable[[Path], None]
) -> None:
    damage(Path(heard.turns.get(sequence=1).user_audio.path))
    whole = whole_of(heard)
    samples = samples_of(b"".join(whole.wav(0, whole.wav_bytes)))
    assert clicks_in(samples[:, 0]) == pytest.approx(LEFT[2:], abs=1)
    assert clicks_in(samples[:, 1]) == pytest.approx(RIGHT, abs=0.05)
    assert len(peaks.along(lay_out_turns(heard.turns.all()))[0]) == 325


def test_waveforms_show_the_clicks_and_are_measured_once(
    at_home: Browser, heard: Session, django_assert_num_queries: Any, monkeypatch: Any
) -> None:
    address = f"{SESSIONS}/{heard.pk}/waveform"
    first = at_home.get(address).json()
    assert (first["step_ms"], first["duration_ms"]) == (20, 6_500)
    monkeypatch.setattr(peaks, "measure", None)
    with django_assert_num_queries(5):  # session, user, conversation, turns, peaks
        second = at_home.get(address).json()
    assert first == second
    row = TurnPeaks.objects.get(turn__sequence=1)
    assert [i for i, peak in enumerate(row.agent) if peak] == [0, 34, 40]
    assert row.agent[0] == round(255 * (CLICK / 32768) ** 0.5)


def test_waveforms_are_measured_again_where_a_recording_is_another_and_go_where_it_went(
    at_home: Browser, heard: Session
) -> None:
    axis = lay_out_turns(heard.turns.all())
    before = peaks.along(axis)
    turn = heard.turns.get(sequence=2)
    turn.user_audio_ms = 2_500
    record(turn, user=clicks(16_000, 2_500, 2_400))
    after = peaks.along(lay_out_turns(heard.turns.all()))
    assert after[0] != before[0]
    assert after[0][(3_000 + 2_400) // 20] > 0
    turn.user_audio = turn.agent_audio = ""
    turn.save()
    user, agent = peaks.along(lay_out_turns(heard.turns.all()))
    assert not any(user[150:])
    assert not any(agent[275:])


class TestServed:
    @pytest.fixture
    def address(self, heard: Session) -> str:
        return f"{SESSIONS}/{heard.pk}/audio"

    @pytest.fixture
    def content(self, at_home: Browser, address: str) -> bytes:
        return body(at_home.get(address))

    def test_the_whole_is_a_wav_file_that_says_its_length(
        self, at_home: Browser, address: str
    ) -> None:
        response = at_home.get(address)
        assert response.status_code == 200
        assert response["Content-Type"] == "audio/wav"
        assert response["Accept-Ranges"] == "bytes"
        assert response["Cache-Control"] == "private, no-cache"
        assert response["Content-Disposition"].startswith('inline; filename="parley-')
        assert int(response["Content-Length"]) == len(body(response)) == 44 + 6_500 * 96

    @pytest.mark.parametrize(
        ("wanted", "start", "end"),
        [
            ("bytes=0-", 0, None),
            ("bytes=0-43", 0, 44),
            ("bytes=10-99", 10, 100),
            ("bytes=-1000", -1_000, None),
            ("bytes=96044-192043", 96_044, 192_044),
            ("bytes=623000-99999999", 623_000, None),
        ],
    )
    def test_a_range_is_that_part_of_it(
        self, at_home: Browser, address: str, content: bytes, wanted: str, start: int, end: Any
    ) -> None:
        response = at_home.get(address, headers={"Range": wanted})
        assert response.status_code == 206
        part = content[start:end]
        assert body(response) == part
        assert int(response["Content-Length"]) == len(part)
        first = start % len(content)
        assert response["Content-Range"] == f"bytes {first}-{first + len(part) - 1}/{len(content)}"

    @pytest.mark.parametrize("wanted", ["bytes=624044-", "bytes=9999999-", "bytes=-0"])
    def test_a_range_beyond_its_end_is_416(
        self, at_home: Browser, address: str, wanted: str
    ) -> None:
        response = at_home.get(address, headers={"Range": wanted})
        assert response.status_code == 416
        assert response["Content-Range"] == "bytes */624044"
        assert response.json()["error"]["code"] == "range_not_satisfiable"

    @pytest.mark.parametrize("wanted", ["bytes=5-2", "bytes=0-1,4-5", "seconds=1-2", "bytes=-"])
    def test_what_is_no_range_gets_the_whole(
        self, at_home: Browser, address: str, content: bytes, wanted: str
    ) -> None:
        response = at_home.get(address, headers={"Range": wanted})
        assert response.status_code == 200
        assert body(response) == content

    def test_a_part_of_what_it_was_before_is_not_mixed_with_what_it_is(
        self, at_home: Browser, address: str, heard: Session
    ) -> None:
        tag = at_home.get(address)["ETag"]
        ask = {"Range": "bytes=0-9", "If-Range": tag}
        assert at_home.get(address, headers=ask).status_code == 206
        heard.turns.filter(sequence=2).update(heard_ms=300, end_reason="stopped")
        assert at_home.get(address, headers=ask).status_code == 200

    def test_under_asgi_it_comes_piece_by_piece(
        self, address: str, content: bytes, owner: User
    ) -> None:
        async def ask() -> list[bytes]:
            headers = {"authorization": f"Bearer {token}"}
            response: Any = await AsyncClient().get(address, headers=headers)
            assert response.status_code == 200, response.content
            assert response.is_async
            return [piece async for piece in response.streaming_content]

        token = ApiToken.make(owner)
        pieces = async_to_sync(ask)()
        assert b"".join(pieces) == content
        assert len(pieces) == 8, "the header, and a second each"

    def test_flac_comes_as_a_whole(self, at_home: Browser, address: str) -> None:
        response = at_home.get(address, {"format": "flac"}, headers={"Range": "bytes=0-9"})
        assert response.status_code == 200
        assert response["Content-Type"] == "audio/flac"
        assert body(response)[:4] == b"fLaC"

    @pytest.mark.parametrize(
        ("query", "status", "code"),
        [
            ({"format": "mp3"}, 422, "invalid_fields"),
            ({"fromat": "wav"}, 400, "unknown_parameter"),
        ],
    )
    def test_what_there_is_not_is_refused(
        self, at_home: Browser, address: str, query: dict[str, str], status: int, code: str
    ) -> None:
        response = at_home.get(address, query)
        assert (response.status_code, response.json()["error"]["code"]) == (status, code)

    @pytest.mark.parametrize("format", ["wav", "flac"])
    def test_where_nothing_was_recorded_there_is_none(
        self, at_home: Browser, talked: Talked, format: str
    ) -> None:
        session = talked(turns=2, recording=False)
        response = at_home.get(f"{SESSIONS}/{session.pk}/audio", {"format": format})
        assert (response.status_code, response.json()["error"]["code"]) == (404, "no_recording")

    def test_half_a_day_is_too_long_for_a_wav_file(
        self, at_home: Browser, address: str, heard: Session
    ) -> None:
        heard.turns.filter(sequence=2).update(reply_started_ms=45_000_000)
        assert at_home.get(address).json()["error"]["code"] == "too_long"
        assert at_home.get(address).status_code == 413


@pytest.mark.parametrize(
    ("who", "status"),
    [("owner", 200), ("stranger", 404), ("staff", 404), ("anonymous", 401)],
)
@pytest.mark.parametrize("path", ["audio", "audio?format=flac", "waveform", "turn"])
def test_who_may_hear_it(
    heard: Session, owner: User, stranger: User, who: str, status: int, path: str
) -> None:
    if who == "staff":
        stranger.is_staff = stranger.is_superuser = True
        stranger.save()
    browser = Browser()
    if who != "anonymous":
        browser.force_login(owner if who == "owner" else stranger)
    if path == "turn":
        address = f"{SESSIONS}/{heard.pk}/turns/{heard.turns.all()[0].pk}"
        response = browser.patch(address, {"note": "hm"}, content_type="application/json")
    else:
        response = browser.get(f"{SESSIONS}/{heard.pk}/{path}")
    assert response.status_code == status


def test_an_hour_is_made_piece_by_piece_and_seeks_at_once(talked: Talked) -> None:
    """600 turns: the last second is made without the 3,599 before it, from two files alone."""
    session = talked(turns=0)
    template = add_turn(session, user_audio_ms=2_000, agent_audio_ms=3_000, heard_ms=3_000)
    record(template, user=clicks(16_000, 2_000, 1_000), agent=clicks(24_000, 3_000, 500))
    turns = [
        Turn(
            session=session,
            sequence=number,
            end_reason="played",
            started_at=template.started_at,
            user_audio=template.user_audio.name,
            agent_audio=template.agent_audio.name,
            user_audio_ms=2_000,
            agent_audio_ms=3_000,
            heard_ms=3_000,
            user_audio_started_ms=6_000 * number,
            speech_started_ms=6_000 * number + 300,
            reply_started_ms=6_000 * number + 2_500,
        )
        for number in range(2, 601)
    ]
    Turn.objects.bulk_create(turns)
    whole = whole_of(session)
    assert whole.frames == (3_600_000 + 5_500) * 24
    tail = b"".join(whole.wav(whole.wav_bytes - 5_500 * 96, whole.wav_bytes))
    samples = np.frombuffer(tail, "<i2").reshape(-1, 2)
    assert clicks_in(samples[:, 0]) == pytest.approx([1_000], abs=1)
    assert clicks_in(samples[:, 1]) == pytest.approx([3_000], abs=0.05)
    blocks: Iterator[Any] = whole.blocks(0, whole.frames)
    assert next(blocks).nbytes == 96_000
    assert HEADER_BYTES == 44


def body(response: Any) -> bytes:
    return b"".join(response.streaming_content)

"""One recording in, one spoken answer out."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import threading
import wave
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import soundfile
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import AsyncClient

from interaction.api import orchestrator
from interaction.audio import wav
from interaction.core.orders import CancelReply, EndTurn, SendAudio
from interaction.models import Session
from interaction.sessions.create import PreparedSession
from interaction.tests.edges.client import validator
from interaction.tests.fakes.scripted_engine import TRANSCRIPT, ScriptedEngine

Spoken = Callable[[str], wav.Sound]


class Caller:
    def __init__(self, token: str) -> None:
        self.token = token

    async def post(self, body: bytes, *, accept: str = "*/*", **fields: Any) -> Any:
        file = SimpleUploadedFile("speech.wav", body, "audio/wav")
        return await AsyncClient().post(
            "/api/v1/orchestrator",
            {"file": file, **fields},
            headers={"authorization": f"Bearer {self.token}", "accept": accept},
        )

    async def answer(self, body: bytes, **fields: Any) -> dict[str, Any]:
        response = await self.post(body, accept="application/json", **fields)
        assert response.status_code == 200, response.content
        answer: dict[str, Any] = response.json()
        validator("answer").validate(answer)
        return answer

    async def refusal(self, body: bytes, **fields: Any) -> tuple[int, dict[str, Any]]:
        response = await self.post(body, **fields)
        refused = response.json()
        validator("api_error").validate(refused)
        return response.status_code, refused["error"]


@pytest.fixture
def caller(token: str) -> Caller:
    return Caller(token)


@pytest.fixture
def question(spoken: Spoken) -> bytes:
    sound = spoken(TRANSCRIPT)
    return wav.wrap(sound.pcm, sound.rate)


def seconds(audio: bytes) -> float:
    with wave.open(io.BytesIO(audio)) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
        return float(file.getnframes() / file.getframerate())


async def test_a_wav_is_answered_by_a_wav(caller: Caller, question: bytes) -> None:
    response = await caller.post(question)
    assert response.status_code == 200
    assert response["Content-Type"] == "audio/wav"
    assert seconds(response.content) == 1
    session = await Session.objects.aget(pk=response["X-Parley-Session"])
    assert (session.status, session.end_reason) == ("ended", "ended")


async def test_json_holds_words_audio_and_the_whole_timeline(
    caller: Caller, question: bytes
) -> None:
    answer = await caller.answer(question)
    assert answer["transcript"] == TRANSCRIPT
    assert answer["reply"] == f"You said: {TRANSCRIPT}."
    assert seconds(base64.b64decode(answer["audio"])) == 1
    events = [event["event"] for event in answer["timeline"]["events"]]
    wanted = ["speech_started", "speech_ended", "transcript_final", "first_audio", "last_audio"]
    assert [event for event in events if event in wanted] == wanted
    times = [event["at_ms"] for event in answer["timeline"]["events"]]
    assert times == sorted(times)
    assert answer["timeline"]["latency"]["llm_ttft"] == 12.5
    assert answer["timeline"]["latency"]["e2e"] is not None
    assert answer["timeline"]["latency"]["yield"] is None


@pytest.mark.parametrize("name", ["FLAC", "MP3", "OGG"])
async def test_other_formats_are_taken_whatever_the_name_says(
    caller: Caller, spoken: Spoken, name: str
) -> None:
    sound = spoken(TRANSCRIPT)
    file = io.BytesIO()
    samples = np.frombuffer(sound.pcm, "<i2")
    soundfile.write(file, samples, sound.rate, format=name)
    answer = await caller.answer(file.getvalue())
    assert answer["transcript"] == TRANSCRIPT


async def test_a_voice_in_opposite_phase_on_two_channels_is_heard(
    caller: Caller, spoken: Spoken
) -> None:
    sound = spoken(TRANSCRIPT)
    samples = np.frombuffer(sound.pcm, "<i2")
    file = io.BytesIO()
    soundfile.write(file, np.stack([samples, -samples], axis=1), sound.rate, format="WAV")
    assert (await caller.answer(file.getvalue()))["transcript"] == TRANSCRIPT


async def test_an_upload_is_one_turn_whatever_pauses_it_has(
    caller: Caller, spoken: Spoken, engines: list[ScriptedEngine]
) -> None:
    sound = spoken(TRANSCRIPT)
    paused = sound.pcm + bytes(3 * 32_000) + sound.pcm
    await caller.answer(wav.wrap(paused, sound.rate))
    [engine] = engines
    assert sum(isinstance(order, EndTurn) for order in engine.orders) == 1
    heard = sum(len(o.pcm) for o in engine.orders if isinstance(o, SendAudio))
    assert heard > len(sound.pcm) * 2


async def test_the_turn_is_kept_like_any_other(
    caller: Caller, question: bytes, engines: list[ScriptedEngine]
) -> None:
    answer = await caller.answer(question)
    [engine] = engines
    record = engine.records[-1]
    assert str(record.turn_id) == answer["turn_id"]
    assert (record.end_reason, record.heard_ms) == ("played", 1_000)
    assert engine.closed


async def test_a_provider_that_counts_its_usage_is_no_obstacle(
    caller: Caller, question: bytes
) -> None:
    says_count = json.dumps({"stt": {"model": "says count to ten"}})
    answer = await caller.answer(question, providers=says_count)
    assert answer["reply"] == "You said: count to ten."


async def test_a_long_recording_is_heard_to_its_end(
    caller: Caller, spoken: Spoken, engines: list[ScriptedEngine]
) -> None:
    sound = spoken(TRANSCRIPT)
    times = 120 * sound.rate * 2 // len(sound.pcm)
    await caller.answer(wav.wrap(sound.pcm * times, sound.rate))
    [engine] = engines
    heard = sum(len(o.pcm) for o in engine.orders if isinstance(o, SendAudio))
    assert heard > len(sound.pcm) * times - 2 * sound.rate


async def test_the_form_may_choose(
    caller: Caller, question: bytes, engines: list[ScriptedEngine]
) -> None:
    answer = await caller.answer(
        question,
        providers='{"llm": {"name": "echo"}}',
        system_prompt="Be brief.",
        recording="false",
        title="From a form",
    )
    session = await Session.objects.aget(pk=answer["session_id"])
    assert (session.title, session.recording) == ("From a form", False)
    assert session.settings["providers"]["llm"]["name"] == "echo"
    assert engines[0].spec.recording is False


class TestRefused:
    async def test_silence_and_noise_are_no_speech(self, caller: Caller) -> None:
        noise = np.random.default_rng(1).normal(0, 300, 32_000).astype("<i2").tobytes()
        for pcm in (bytes(64_000), noise):
            status, error = await caller.refusal(wav.wrap(pcm, 16_000))
            assert (status, error["code"], error["stage"]) == (422, "no_speech", "stt")

    @pytest.mark.parametrize(
        ("body", "status", "code"),
        [
            (wav.wrap(b"", 16_000), 400, "empty_audio"),
            (wav.wrap(bytes(64_000), 16_000)[:-1_000], 400, "truncated_audio"),
            (b"no sound at all" + bytes(1_000), 415, "unsupported_audio"),
            (b"ID3\x04" + bytes(1_000), 400, "corrupt_audio"),
            (wav.wrap(bytes(901 * 8_000 * 2), 8_000), 413, "too_long"),
        ],
    )
    async def test_what_is_no_recording_says_why(
        self, caller: Caller, body: bytes, status: int, code: str
    ) -> None:
        got, error = await caller.refusal(body)
        assert (got, error["code"]) == (status, code)
        assert error["message"]

    async def test_a_body_without_a_file_names_the_field(self, token: str) -> None:
        response = await AsyncClient().post(
            "/api/v1/orchestrator", {}, headers={"authorization": f"Bearer {token}"}
        )
        assert response.status_code == 422
        assert "file" in response.json()["error"]["message"]

    async def test_a_form_that_is_broken_is_400(self, token: str) -> None:
        response = await AsyncClient().generic(
            "POST",
            "/api/v1/orchestrator",
            b"nonsense",
            content_type="multipart/form-data",
            headers={"authorization": f"Bearer {token}"},
        )
        assert response.status_code == 400
        validator("api_error").validate(response.json())

    @pytest.mark.parametrize(
        ("providers", "code"),
        [("la la", "invalid_fields"), ('{"stt": {"name": "ear"}}', "unknown_provider")],
    )
    async def test_wrong_providers_are_named(
        self, caller: Caller, question: bytes, providers: str, code: str
    ) -> None:
        status, error = await caller.refusal(question, providers=providers)
        assert (status, error["code"]) == (422, code)
        assert "providers" in error["message"]
        assert "la la" not in error["message"]

    async def test_a_body_that_is_too_long_is_refused_unread(self, token: str) -> None:
        response = await AsyncClient().generic(
            "POST",
            "/api/v1/orchestrator",
            b"",
            content_type="multipart/form-data; boundary=x",
            headers={
                "authorization": f"Bearer {token}",
                "content-length": str(settings.MAX_BODY_BYTES + 1),
            },
        )
        assert response.status_code == 413

    async def test_without_a_token_nothing_is_read(self, transactional_db: None) -> None:
        response = await AsyncClient().post("/api/v1/orchestrator", {})
        assert response.status_code == 401


class TestFailures:
    async def test_a_stage_that_takes_too_long_is_504(
        self, caller: Caller, question: bytes
    ) -> None:
        status, error = await caller.refusal(question, providers=hearing("fail"))
        assert status == 504
        assert error | {"message": ""} == {
            "code": "provider_timeout",
            "message": "",
            "stage": "llm",
            "provider": "demo",
            "retryable": True,
        }

    async def test_an_engine_that_is_away_is_503(self, caller: Caller, question: bytes) -> None:
        away = '{"llm": {"model": "unavailable"}}'
        status, error = await caller.refusal(question, providers=away)
        assert (status, error["code"]) == (503, "engine_unavailable")

    async def test_a_bug_is_500_and_the_session_ends(self, caller: Caller, question: bytes) -> None:
        status, error = await caller.refusal(question, providers=hearing("break"))
        assert (status, error["code"]) == (500, "internal_error")
        session = await Session.objects.aget()
        assert (session.status, session.end_reason) == ("ended", "internal_error")

    async def test_a_reply_without_audio_is_an_empty_wav(
        self, caller: Caller, question: bytes
    ) -> None:
        answer = await caller.answer(question, providers=hearing("mute"))
        assert answer["reply"] == "Nothing to say aloud."
        assert seconds(base64.b64decode(answer["audio"])) == 0

    async def test_a_caller_that_goes_away_stops_the_work(
        self, caller: Caller, question: bytes, engines: list[ScriptedEngine]
    ) -> None:
        asking = asyncio.create_task(caller.post(question, providers=hearing("hold")))
        await ScriptedEngine.asked_to_hold.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        [engine] = engines
        assert any(isinstance(order, CancelReply) for order in engine.orders)
        assert engine.closed
        session = await Session.objects.aget()
        assert (session.status, session.end_reason) == ("ended", "client_left")

    async def test_a_caller_that_goes_away_while_the_session_is_made(
        self, caller: Caller, question: bytes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        loop, begun, gone = asyncio.get_running_loop(), asyncio.Event(), threading.Event()
        prepare = orchestrator._prepare

        def slow(*arguments: Any) -> PreparedSession:
            loop.call_soon_threadsafe(begun.set)
            gone.wait()
            return prepare(*arguments)

        monkeypatch.setattr(orchestrator, "_prepare", slow)
        asking = asyncio.create_task(caller.post(question, providers=hearing("hold")))
        await begun.wait()
        asking.cancel()
        await asyncio.sleep(0)  # it is told
        gone.set()
        with pytest.raises(asyncio.CancelledError):
            await asking
        session = await Session.objects.aget()
        assert (session.status, session.end_reason) == ("ended", "client_left")


def hearing(words: str) -> str:
    return json.dumps({"stt": {"model": f"says {words}"}})

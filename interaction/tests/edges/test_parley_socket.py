"""Parley's protocol as a client sees it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from interaction.audio import wav
from interaction.core.orders import CancelReply, SendAudio
from interaction.models import Session
from interaction.sessions import create
from interaction.sessions.settings import SessionSettings
from interaction.tests.edges.client import Client
from interaction.tests.fakes.scripted_engine import TRANSCRIPT, ScriptedEngine

Connect = Callable[[], Client]
MANUAL = {"kind": "manual"}
SECOND_OF_SILENCE = bytes(32_000)


async def session_row(session_id: str) -> Session:
    return await Session.objects.aget(pk=session_id)


async def test_a_spoken_turn_goes_from_speech_to_reply(
    connect: Connect, spoken: Callable[[str], wav.Sound]
) -> None:
    async with connect() as client:
        started = await client.start(input_sample_rate=16_000)
        await client.send_audio(spoken(TRANSCRIPT).pcm + SECOND_OF_SILENCE)
        await client.until("speech_started")
        ended = await client.until("speech_ended")
        assert ended["kept"]
        assert (await client.until("transcript_final"))["text"] == TRANSCRIPT
        reply = await client.until("response_started")
        text = await client.until("agent_response")
        assert text["text"] == f"You said: {TRANSCRIPT}."
        done = await client.until("response_ended")
        await client.has_played(reply["reply_id"], 1_000, ended=True)
        await client.until("status")
        await client.send("end_session")
        over = await client.until("session_ended")
    assert [e["status"] for e in client.got if isinstance(e, dict) and e["type"] == "status"] == [
        "recording",
        "transcribing",
        "responding",
        "speaking",
        "listening",
    ]
    assert over["session_id"] == started["session_id"]
    assert over["summary"]["turns"] == 1
    assert done["latency"]["e2e"] is not None
    assert done["latency"]["llm_ttft"] == 12.5
    assert sum(len(piece.pcm) for piece in client.audio(reply["reply_id"])) == 48_000
    assert [piece.header.sequence for piece in client.audio()] == list(range(11))
    row = await session_row(started["session_id"])
    assert (row.status, row.end_reason) == ("ended", "ended")


async def test_audio_in_base64_is_the_same_as_binary_audio(
    connect: Connect, spoken: Callable[[str], wav.Sound]
) -> None:
    async with connect() as client:
        await client.start(turn_detection=MANUAL)
        audio = base64.b64encode(spoken(TRANSCRIPT).pcm).decode()
        await client.send("audio_chunk", audio=audio)
        await client.send("commit")
        assert (await client.until("transcript_final"))["text"] == TRANSCRIPT
        await client.until_last_audio()


@pytest.mark.parametrize("rate", [8_000, 24_000, 44_100, 96_000])
async def test_any_rate_is_resampled_both_ways(
    connect: Connect, spoken: Callable[[str], wav.Sound], rate: int
) -> None:
    from interaction.audio.resample import Resampler

    up = Resampler(16_000, rate)
    pcm = up.feed(spoken(TRANSCRIPT).pcm) + up.finish()
    async with connect() as client:
        await client.start(input_sample_rate=rate, output_sample_rate=rate, turn_detection=MANUAL)
        await client.send_audio(pcm)
        await client.send("commit")
        reply = await client.until("response_started")
        await client.until_last_audio()
        [engine] = ScriptedEngine.live
        heard = sum(len(o.pcm) for o in engine.orders if isinstance(o, SendAudio))
        sent = sum(len(piece.pcm) for piece in client.audio(reply["reply_id"])) // 2
    assert sent == pytest.approx(rate, abs=2)
    assert heard == pytest.approx(len(spoken(TRANSCRIPT).pcm), abs=16_000)


async def test_a_typed_turn_is_answered(connect: Connect) -> None:
    async with connect() as client:
        await client.start()
        await client.send("text_input", text="hello")
        assert (await client.until("agent_response"))["text"] == "You said: hello."
        await client.until("response_ended")


async def test_the_effective_settings_are_told_and_kept(connect: Connect) -> None:
    async with connect() as client:
        started = await client.start(
            providers={"llm": {"name": "echo"}},
            system_prompt="Be brief.",
            barge_in_enabled=False,
            recording=False,
            title="A test",
        )
    assert started["providers"]["llm"]["name"] == "echo"
    assert started["providers"]["stt"]["name"]
    assert started["recording"] is False
    row = await session_row(started["session_id"])
    assert row.settings["providers"] == started["providers"]
    assert row.settings["barge_in_enabled"] is False
    assert (row.title, row.system_prompt, row.recording) == ("A test", "Be brief.", False)


async def test_after_end_session_the_same_socket_may_start_another(connect: Connect) -> None:
    async with connect() as client:
        first = await client.start()
        await client.send("end_session")
        await client.until("session_ended")
        second = await client.start()
        await client.send("text_input", text="still there?")
        await client.until("agent_response")
    assert first["session_id"] != second["session_id"]


async def test_what_is_sent_before_session_started_is_not_lost(connect: Connect) -> None:
    async with connect() as client:
        await client.send("start_session")
        await client.send("text_input", text="hello")
        assert (await client.until("agent_response"))["text"] == "You said: hello."


async def test_switches_can_be_changed_while_it_runs(
    connect: Connect, spoken: Callable[[str], wav.Sound]
) -> None:
    async with connect() as client:
        await client.start()
        await client.send("update_session", turn_detection=MANUAL, barge_in_enabled=False)
        await client.send_audio(spoken(TRANSCRIPT).pcm + SECOND_OF_SILENCE)
        await client.send("commit")
        await client.until("transcript_final")
        await client.until_last_audio()


class TestBargeIn:
    async def test_no_audio_of_the_reply_leaves_after_interrupted(self, connect: Connect) -> None:
        async with connect() as client:
            await client.start()
            await client.send("text_input", text="talk for 60 seconds")
            reply = await client.until("response_started")
            while not client.audio():
                await client.receive()
            await client.has_played(reply["reply_id"], 40)
            await client.send("interrupt", heard_ms=50)
            told = await client.until("interrupted")
            sent = len(client.audio(reply["reply_id"]))
            await client.has_played(reply["reply_id"], 60_000)
            await client.send("text_input", text="and now this")
            await client.until_last_audio()
            await client.in_step()
        assert told["reply_id"] == reply["reply_id"]
        assert told["heard_ms"] == 50
        assert len(client.audio(reply["reply_id"])) == sent
        assert not any(piece.header.last for piece in client.audio(reply["reply_id"]))

    async def test_speech_during_a_reply_interrupts_it(
        self, connect: Connect, spoken: Callable[[str], wav.Sound]
    ) -> None:
        async with connect() as client:
            await client.start()
            await client.send("text_input", text="talk for 30 seconds")
            reply = await client.until("response_started")
            while not client.audio():
                await client.receive()
            await client.send_audio(spoken(TRANSCRIPT).pcm + SECOND_OF_SILENCE)
            assert (await client.until("interrupted"))["reply_id"] == reply["reply_id"]
            assert (await client.until("transcript_final"))["text"] == TRANSCRIPT
            await client.until_last_audio()
            [engine] = ScriptedEngine.live
            assert any(isinstance(order, CancelReply) for order in engine.orders)

    @pytest.mark.parametrize(
        ("changes", "told"),
        [
            ([], ["floor_contested", "floor_kept"]),
            ([{"barge_in_enabled": False}], []),
            ([{"barge_in": "off"}], []),
            (
                [{"barge_in_enabled": False}, {"barge_in_enabled": True}],
                ["floor_contested", "floor_kept"],
            ),
            ([{"barge_in": "immediate"}], ["speech_started", "interrupted"]),
            (
                [{"barge_in": "immediate"}, {"barge_in_enabled": True}],
                ["speech_started", "interrupted"],
            ),
        ],
    )
    async def test_what_a_word_over_the_reply_does_is_as_was_chosen(
        self,
        connect: Connect,
        spoken: Callable[[str], wav.Sound],
        changes: list[dict[str, Any]],
        told: list[str],
    ) -> None:
        async with connect() as client:
            await client.start()
            await client.send("text_input", text="talk for 30 seconds")
            while not client.audio():
                await client.receive()
            for change in changes:
                await client.send("update_session", **change)
            await client.send_audio(SECOND_OF_SILENCE + spoken("right").pcm + SECOND_OF_SILENCE)
            await client.send("commit")  # of nothing: it follows the audio
            await client.until("error")
        types = [got["type"] for got in client.got if isinstance(got, dict)]
        floor = {"floor_contested", "floor_kept", "speech_started", "interrupted"}
        assert sorted(floor.intersection(types)) == sorted(told)

    @pytest.mark.parametrize(
        ("wanted", "told"),
        [
            ({}, (True, "considered")),
            ({"barge_in": "immediate"}, (True, "immediate")),
            ({"barge_in": "off"}, (False, "off")),
            ({"barge_in_enabled": False}, (False, "off")),
            ({"barge_in_enabled": False, "barge_in": "immediate"}, (False, "off")),
        ],
    )
    async def test_both_fields_of_barge_in_say_the_same(
        self, connect: Connect, wanted: dict[str, Any], told: tuple[bool, str]
    ) -> None:
        async with connect() as client:
            started = await client.start(**wanted)
        assert (started["barge_in_enabled"], started["barge_in"]) == told
        row = await session_row(started["session_id"])
        assert row.settings["barge_in"] == told[1]


class TestPace:
    async def test_audio_runs_ten_seconds_ahead_of_the_listener_and_no_further(
        self, connect: Connect
    ) -> None:
        async with connect() as client:
            await client.start()
            # The first report tells that this client does report.
            await client.has_played(str(uuid4()), 0)
            await client.send("text_input", text="talk for 30 seconds")
            reply = (await client.until("response_started"))["reply_id"]
            while len(client.audio()) < 100:
                await client.receive()
            await client.in_step()
            assert len(client.audio()) == 100
            await client.has_played(reply, 1_000)
            while len(client.audio()) < 110:
                await client.receive()
            await client.in_step()
            assert len(client.audio()) == 110
            await client.has_played(reply, 30_000)
            await client.until_last_audio()
            await client.until("response_ended")
        assert [piece.header.sequence for piece in client.audio()] == list(range(301))

    async def test_messages_overtake_audio_that_waits(self, connect: Connect) -> None:
        async with connect() as client:
            await client.start()
            await client.has_played(str(uuid4()), 0)
            await client.send("text_input", text="talk for 30 seconds")
            await client.until("agent_response")
            await client.in_step()
            assert not any(piece.header.last for piece in client.audio())

    async def test_a_reply_without_end_is_cut_short_with_an_error(self, connect: Connect) -> None:
        async with connect() as client:
            await client.start()
            await client.has_played(str(uuid4()), 0)
            await client.send("text_input", text="talk for 700 seconds")
            error = await client.until("error")
            await client.until("interrupted")
            await client.send("text_input", text="shorter please")
            assert "shorter" in (await client.until("agent_response"))["text"]
        assert error["code"] == "reply_too_long"


class TestWrongMessages:
    @pytest.mark.parametrize(
        ("text", "code", "named"),
        [
            ("{", "bad_json", "JSON"),
            ("[1, 2]", "bad_json", "object"),
            ('{"type": "sing", "words": "la la"}', "unknown_type", "start_session"),
            ('{"words": "la la"}', "unknown_type", "type"),
            ('{"type": "start_session", "barge_in_enabled": "la la"}', "invalid_message", "barge"),
            ('{"type": "start_session", "la": 1}', "invalid_message", "la"),
            ('{"type": "start_session", "input_sample_rate": 7999}', "invalid_message", "rate"),
            ('{"type": "text_input", "text": ""}', "invalid_message", "text"),
            ('{"type": "text_input", "text": "nul \\u0000"}', "invalid_message", "text"),
            ('{"type": "audio_chunk", "audio": "la la"}', "bad_base64", "base64"),
            ('{"type": "audio_chunk", "audio": "AAAA"}', "odd_length_audio", "even"),
            ('{"type": "start_session", "providers": {"stt": {"name": "ear"}}}',
             "unknown_provider", "providers.stt.name"),
        ],
    )  # fmt: skip
    async def test_each_is_answered_by_an_error_and_the_socket_stays_open(
        self, connect: Connect, text: str, code: str, named: str
    ) -> None:
        async with connect() as client:
            await client.send_text(text)
            error = await client.until("error")
            await client.in_step()
        assert error["code"] == code
        assert named in error["message"]
        assert "la la" not in error["message"]

    async def test_audio_of_an_odd_length_is_refused(self, connect: Connect) -> None:
        async with connect() as client:
            await client.start()
            await client.send_audio(b"abc")
            assert (await client.until("error"))["code"] == "odd_length_audio"

    @pytest.mark.parametrize("binary", [True, False])
    async def test_too_much_audio_in_a_message_is_refused(
        self, connect: Connect, binary: bool
    ) -> None:
        pcm = bytes((1 << 20) + 2)
        async with connect() as client:
            await client.start()
            if binary:
                await client.send_audio(pcm)
            else:
                await client.send("audio_chunk", audio=base64.b64encode(pcm).decode())
            assert (await client.until("error"))["code"] == "audio_too_large"
            await client.in_step()

    async def test_a_text_message_that_is_too_large_is_refused(self, connect: Connect) -> None:
        async with connect() as client:
            await client.send_text(json.dumps({"type": "ping", "nonce": "x" * (2 << 20)}))
            assert (await client.until("error"))["code"] == "message_too_large"

    async def test_nothing_but_start_session_makes_sense_before_a_session(
        self, connect: Connect
    ) -> None:
        async with connect() as client:
            for type, fields in [
                ("text_input", {"text": "hi"}),
                ("commit", {}),
                ("end_session", {}),
            ]:
                await client.send(type, **fields)
                assert (await client.until("error"))["code"] == "not_started"

    async def test_audio_before_a_session_is_complained_of_once(self, connect: Connect) -> None:
        async with connect() as client:
            for _ in range(5):
                await client.send_audio(b"\0\0")
            await client.in_step()
        assert client.types().count("error") == 1

    async def test_audio_that_comes_after_the_end_is_no_error(self, connect: Connect) -> None:
        async with connect() as client:
            await client.start()
            await client.send("end_session")
            await client.until("session_ended")
            await client.send_audio(b"\0\0")
            await client.in_step()
        assert "error" not in client.types()

    async def test_a_second_start_is_refused_and_the_session_goes_on(
        self, connect: Connect
    ) -> None:
        async with connect() as client:
            await client.start()
            await client.send("start_session")
            assert (await client.until("error"))["code"] == "already_started"
            await client.send("text_input", text="hello")
            await client.until("agent_response")


class TestMadeByRest:
    async def test_a_session_made_before_is_claimed_with_its_own_settings(
        self, connect: Connect, made: Session
    ) -> None:
        async with connect() as client:
            started = await client.start(session_id=str(made.pk), system_prompt="ignored")
            row = await session_row(started["session_id"])
            assert (row.pk, row.status) == (made.pk, "active")
        assert started["system_prompt"] == "Be kind."

    async def test_it_can_be_claimed_once(self, connect: Connect, made: Session) -> None:
        async with connect() as first, connect() as second:
            await first.start(session_id=str(made.pk))
            await second.send("start_session", session_id=str(made.pk))
            assert (await second.until("error"))["code"] == "session_unavailable"
            await second.start()

    async def test_another_persons_session_does_not_exist(
        self, connect: Connect, made: Session, stranger: Any
    ) -> None:
        await Session.objects.filter(pk=made.pk).aupdate(owner=stranger)
        async with connect() as client:
            await client.send("start_session", session_id=str(made.pk))
            assert (await client.until("error"))["code"] == "session_not_found"

    @pytest.fixture
    def made(self, owner: Any) -> Session:
        return create.create_session(owner, SessionSettings(system_prompt="Be kind."), active=False)


class TestThingsGoWrong:
    async def test_a_stages_failure_costs_the_turn_and_not_the_session(
        self, connect: Connect, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with connect() as client:
            await client.start()
            await client.send("text_input", text="fail, dear secret")
            error = await client.until("error")
            await client.send("text_input", text="and now?")
            await client.until("agent_response")
        assert (error["stage"], error["code"]) == ("llm", "provider_timeout")
        assert error["retryable"]
        [record] = [r for r in caplog.records if r.message == "stage failed"]
        assert vars(record)["code"] == "provider_timeout"
        assert "secret" not in caplog.text

    async def test_a_bug_ends_the_session_with_an_error_and_not_the_socket(
        self, connect: Connect, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with connect() as client:
            started = await client.start()
            await client.send("text_input", text="break this dear secret")
            error = await client.until("error")
            over = await client.until("session_ended")
            await client.start()
        assert error["code"] == "internal_error"
        assert (over["reason"], over["summary"]) == ("internal_error", None)
        assert (await session_row(started["session_id"])).end_reason == "internal_error"
        assert "session broke: interaction.tests.fakes.scripted_engine.ScriptedBug" in caplog.text
        assert "scripted_engine.py" in caplog.text
        assert "secret" not in caplog.text

    async def test_an_engine_that_cannot_start_says_what_is_missing(self, connect: Connect) -> None:
        async with connect() as client:
            await client.start(providers={"llm": {"model": "unavailable"}})
            error = await client.until("error")
            over = await client.until("session_ended")
        assert (error["code"], error["message"]) == ("engine_unavailable", "The workers are away.")
        assert over["reason"] == "engine_unavailable"

    async def test_a_client_that_vanishes_leaves_an_archived_turn_and_an_ended_session(
        self, connect: Connect
    ) -> None:
        async with connect() as client:
            started = await client.start()
            await client.send("text_input", text="talk for 30 seconds")
            await client.until("agent_response")
            [engine] = ScriptedEngine.live
            await client.vanish()
        assert engine.closed
        assert [record.end_reason for record in engine.records] == ["client_left"]
        row = await session_row(started["session_id"])
        assert (row.status, row.end_reason) == ("ended", "client_left")

    async def test_a_client_that_vanishes_while_its_session_opens_leaves_it_ended(
        self, connect: Connect, owner: Any
    ) -> None:
        async with connect() as client:
            await client.send("start_session")
            await client.vanish()
        assert [row.status async for row in Session.objects.filter(owner=owner)] == ["ended"]

    async def test_an_application_that_is_cancelled_ends_its_session(
        self, connect: Connect
    ) -> None:
        async with connect() as client:
            started = await client.start()
            [engine] = ScriptedEngine.live
            await client.cancel()
        assert engine.closed
        assert (await session_row(started["session_id"])).end_reason == "server_stopped"


async def test_what_is_told_is_told_in_the_clients_language(token: str) -> None:
    told = []
    for language in ("zh-TW", "en"):
        headers = {"authorization": f"Bearer {token}", "accept_language": language}
        async with Client("/api/v1/orchestrator/ws", **headers) as client:
            await client.send("commit")
            told.append((await client.until("error"))["message"])
    assert told == [
        "對話還沒開始，請送出 start_session。",
        "No session has started. Send start_session.",
    ]


class TestWhatWasHeard:
    async def test_a_reply_that_its_session_ends_is_stopped_where_its_client_says(
        self, connect: Connect, engines: list[ScriptedEngine]
    ) -> None:
        async with connect() as client:
            await client.start()
            await client.send("text_input", text="talk for 3 seconds")
            ended = await client.until("response_ended")
            await client.has_played(ended["reply_id"], 800)
            await client.has_played(ended["reply_id"], 1_000, ended=True)
            heard = await client.until("response_heard")
            await client.send("end_session")
            await client.until("session_ended")
        assert (heard["heard_ms"], heard["end_reason"]) == (1_000, "stopped")
        (record,) = engines[0].records
        assert (record.heard_ms, record.heard_text) == (1_000, heard["heard_text"])
        assert record.end_reason == "stopped"

    async def test_an_interruption_is_told_again_as_its_last_report_says(
        self, connect: Connect, engines: list[ScriptedEngine]
    ) -> None:
        async with connect() as client:
            await client.start()
            await client.send("text_input", text="talk for 3 seconds")
            ended = await client.until("response_ended")
            await client.has_played(ended["reply_id"], 1_000)
            await client.send("interrupt", heard_ms=1_040)
            assert (await client.until("response_heard"))["heard_ms"] == 1_040
            await client.has_played(ended["reply_id"], 1_066, ended=True)
            assert (await client.until("response_heard"))["heard_ms"] == 1_066
        assert [record.heard_ms for record in engines[0].records] == [1_040, 1_066]

    async def test_a_last_report_that_says_nothing_new_is_not_told_again(
        self, connect: Connect, engines: list[ScriptedEngine]
    ) -> None:
        async with connect() as client:
            await client.start()
            await client.send("text_input", text="talk for 3 seconds")
            ended = await client.until("response_ended")
            await client.has_played(ended["reply_id"], 3_000)
            await client.until("response_heard")
            await client.has_played(ended["reply_id"], 3_000, ended=True)
            await client.in_step()
        assert client.types().count("response_heard") == 1

    async def test_a_paused_reply_waits(
        self, connect: Connect, engines: list[ScriptedEngine]
    ) -> None:
        async with connect() as client:
            await client.start()
            await client.send("text_input", text="talk for 3 seconds")
            ended = await client.until("response_ended")
            await client.send("playback", reply_id=ended["reply_id"], played_ms=1_000, paused=True)
            await client.in_step()
            await client.has_played(ended["reply_id"], 3_000, ended=True)
            assert (await client.until("response_heard"))["end_reason"] == "played"

    async def test_a_reply_that_was_cut_says_why(
        self, connect: Connect, engines: list[ScriptedEngine]
    ) -> None:
        async with connect() as client:
            await client.start()
            await client.send("text_input", text="cut it")
            assert (await client.until("agent_response"))["cut"] == "length"
            await client.send("text_input", text="hello")
            assert (await client.until("agent_response"))["cut"] is None
        assert [record.cut for record in engines[0].records][:1] == ["length"]

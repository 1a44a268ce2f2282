from __future__ import annotations

import asyncio
import io
import wave
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis
from channels.db import database_sync_to_async

from interaction.audio.wav import Sound
from interaction.bus import redis_keys
from interaction.core.engine import SessionSpec
from interaction.core.events import FinalTranscript, MetricMeasured, ReplyAudio
from interaction.core.orders import GiveFloor, NotePlayback, OpenTurn, TranscribeTurn
from interaction.models import Session, Turn
from interaction.tests.cascade.caller import Caller, eventually
from interaction.turn_records.sweep import sweep
from voiceproject.testing.stack import Worker

pytestmark = pytest.mark.django_db(transaction=True)

Make = Callable[..., SessionSpec]
WEATHER = "what is the weather like in paris today"
LONG = " ".join(f"This is sentence number {number} of a long reply." for number in range(12))


async def archived(turn: UUID, **facts: Any) -> Turn:
    """The turn's row, as soon as there is one with these values."""
    rows = Turn.objects.select_related("latency").filter(pk=turn, **facts)
    row = await eventually(lambda: rows.all().first())
    assert row is not None
    return row


def duration(file: Any, rate: int) -> float:
    with file.open("rb") as opened, wave.open(io.BytesIO(opened.read())) as sound:
        assert sound.getframerate() == rate
        return float(sound.getnframes() / rate)


async def spoken_turn(caller: Caller, sound: Sound) -> tuple[UUID, UUID]:
    turn = caller.open_turn(sound.pcm)
    reply = caller.end(turn)
    await caller.reply_to_its_end(reply)
    return turn, reply


async def test_a_turn_is_archived_with_both_sides_audio_and_its_streams_go(
    worker: Worker,
    redis_client: redis.Redis,
    session: Make,
    spoken: Callable[[str], Sound],
) -> None:
    made = await asyncio.to_thread(session)
    sound = spoken(WEATHER)
    async with Caller.calling(made) as caller:
        turn, reply = await spoken_turn(caller, sound)
        caller.close(turn, reply, transcript=WEATHER, latency={"e2e": 7.5})
        row = await archived(turn)
    assert (row.transcript, row.reply) == (WEATHER, f"You said: {WEATHER}")
    assert row.mode == "cascade"
    assert (row.latency.e2e, row.latency.ear) == (7.5, None)
    assert row.latency.llm_ttft is not None
    assert duration(row.user_audio, 16_000) == pytest.approx(sound.seconds)
    assert row.agent_audio_ms == round(1000 * duration(row.agent_audio, 24_000))
    assert row.agent_audio_ms > 1000
    assert [row.reply[at:][:3] for at, _ in row.sentence_starts[:1]] == ["You"]
    assert row.sentence_starts[0][1] == 0
    all_audio = redis_keys.turn_audio(turn).removesuffix(str(turn)) + "*"
    await eventually(lambda: not redis_client.keys(all_audio))
    assert not redis_client.smembers(redis_keys.open_turns())


async def test_a_turn_keeps_the_mode_of_the_engine_that_served_it(
    worker: Worker, session: Make
) -> None:
    made = await asyncio.to_thread(session, mode="realtime")
    async with Caller.calling(made) as caller:
        turn, reply = caller.type("Good morning.")
        await caller.reply_to_its_end(reply)
        caller.close(turn, reply, kind="text")
        assert (await archived(turn)).mode == "realtime"


async def test_what_is_learnt_later_changes_the_row_and_not_the_audio(
    worker: Worker, session: Make, spoken: Callable[[str], Sound]
) -> None:
    made = await asyncio.to_thread(session)
    async with Caller.calling(made) as caller:
        turn, reply = await spoken_turn(caller, spoken(WEATHER))
        record = caller.close(turn, reply, transcript=WEATHER)
        first = await archived(turn)
        caller.engine.archive_turn(replace(record, heard_ms=900, latency={"ear": 123.0}))
        second = await archived(turn, heard_ms=900)
    assert second.latency.ear == 123.0
    assert first.user_audio.name == second.user_audio.name
    assert first.agent_audio_ms == second.agent_audio_ms


async def test_a_turn_keeps_where_it_lies_on_the_sessions_clock(
    worker: Worker, session: Make
) -> None:
    made = await asyncio.to_thread(session)
    clock = {
        "opened_ms": 576,
        "user_audio_started_ms": 160,
        "speech_started_ms": 480,
        "speech_ended_ms": 1_472,
        "reply_started_ms": 2_530,
    }
    async with Caller.calling(made) as caller:
        turn, reply = caller.type("Good morning.")
        await caller.reply_to_its_end(reply)
        record = caller.close(turn, reply, kind="text", **clock)
        first = await archived(turn)
        assert {name: getattr(first, name) for name in clock} == clock
        assert first.reply_ended_ms is None
        caller.engine.archive_turn(replace(record, reply_ended_ms=3_600))
        amended = await archived(turn, reply_ended_ms=3_600)
    assert {name: getattr(amended, name) for name in clock} == clock


async def test_a_turn_keeps_where_the_sentences_of_its_reply_begin(
    worker: Worker, session: Make
) -> None:
    made = await asyncio.to_thread(session)
    async with Caller.calling(made) as caller:
        turn, reply = caller.type(LONG)
        await caller.reply_to_its_end(reply)
        caller.close(turn, reply, kind="text")
        row = await archived(turn)
    characters, times = zip(*row.sentence_starts, strict=True)
    assert len(characters) >= 12
    assert characters[0] == times[0] == 0
    assert all(row.reply[at - 1].isspace() for at in characters[1:])
    assert list(times) == sorted(set(times))
    assert row.agent_audio_ms is not None
    assert times[-1] < row.agent_audio_ms


async def test_with_recording_off_no_audio_is_kept(
    worker: Worker, session: Make, spoken: Callable[[str], Sound]
) -> None:
    made = await asyncio.to_thread(session, recording=False)
    async with Caller.calling(made) as caller:
        turn, reply = await spoken_turn(caller, spoken(WEATHER))
        caller.close(turn, reply, transcript=WEATHER)
        row = await archived(turn)
    assert row.transcript
    assert not row.user_audio
    assert not row.agent_audio
    assert not await asyncio.to_thread(row.user_audio.storage.exists, f"audio/{made.session_id}")


async def test_a_turn_whose_client_left_is_archived_whole(worker: Worker, session: Make) -> None:
    made = await asyncio.to_thread(session, paced=True)
    async with Caller.calling(made) as caller:
        turn, reply = caller.type(LONG)
        await caller.until(ReplyAudio)
        caller.close(turn, reply, kind="text", end_reason="client_left")
    row = await archived(turn)
    assert row.reply == f"You said: {LONG}"
    assert row.end_reason == "client_left"
    assert row.agent_audio_ms is not None
    assert row.agent_audio_ms > 15_000


async def test_a_deleted_sessions_turn_is_dropped(worker: Worker, session: Make) -> None:
    made = await asyncio.to_thread(session)
    async with Caller.calling(made) as caller:
        turn, reply = caller.type("Forget me.")
        await caller.reply_to_its_end(reply)
        await database_sync_to_async(Session.objects.filter(pk=made.session_id).delete)()
        caller.close(turn, reply)
        await asyncio.to_thread(worker.wait_for_log, f"its session is gone.*{turn}")
    assert not await database_sync_to_async(Turn.objects.filter(pk=turn).exists)()


async def test_closing_hands_over_what_is_still_to_be_archived(
    worker: Worker, session: Make
) -> None:
    made = await asyncio.to_thread(session)
    async with Caller.calling(made) as caller:
        turns = [caller.type(f"Number {number}.") for number in range(3)]
        await asyncio.gather(*(caller.reply_to_its_end(reply) for _, reply in turns))
        for number, (turn, reply) in enumerate(turns, 1):
            record = caller.close(turn, reply, kind="text")
            caller.engine.archive_turn(replace(record, sequence=number))
    for turn, _ in turns:
        await archived(turn)


async def test_the_sweep_archives_a_turn_whose_web_process_died(
    worker: Worker,
    redis_client: redis.Redis,
    session: Make,
    spoken: Callable[[str], Sound],
) -> None:
    made = await asyncio.to_thread(session)
    async with Caller.calling(made) as caller:
        turn, _ = await spoken_turn(caller, spoken(WEATHER))
        await caller.until(MetricMeasured, lambda event: event.metric == "tts_ttfb")
        caller.engine.execute(NotePlayback(turn, 1_230, "You said:"))
        await eventually(lambda: redis_client.hexists(redis_keys.turn_notes(turn), "heard"))
    await eventually(lambda: not redis_client.exists(redis_keys.turn_work(turn)))
    await expire_and_sweep(redis_client, redis_keys.turn_live(turn))
    row = await archived(turn)
    assert row.end_reason == Turn.EndReason.ABANDONED
    assert (row.heard_ms, row.heard_text) == (1_230, "You said:")
    assert (row.transcript, row.reply) == (WEATHER, f"You said: {WEATHER}")
    assert row.user_audio
    assert row.agent_audio
    assert row.latency.tts_ttfb is not None
    assert row.latency.e2e is None


async def test_the_sweep_keeps_nothing_of_who_never_had_the_floor(
    worker: Worker, redis_client: redis.Redis, session: Make, spoken: Callable[[str], Sound]
) -> None:
    made = await asyncio.to_thread(session)
    turns = [uuid4(), uuid4()]
    async with Caller.calling(made) as caller:
        for number, turn in enumerate(turns, 1):
            caller.engine.execute(OpenTurn(turn, number, contends=True))
            caller.feed_audio(turn, spoken(WEATHER).pcm)
        caller.engine.execute(GiveFloor(turns[0]))
        await caller.engine.wait_until_executed()
        for turn in turns:
            caller.engine.execute(TranscribeTurn(turn))
        heard = await caller.until(FinalTranscript)
        await caller.until(FinalTranscript, lambda event: event.turn_id != heard.turn_id)
    work = [redis_keys.turn_work(turn) for turn in turns]
    await eventually(lambda: not redis_client.exists(*work))
    for turn in reversed(turns):
        await expire_and_sweep(redis_client, redis_keys.turn_live(turn))
    assert (await archived(turns[0])).end_reason == Turn.EndReason.ABANDONED
    notes = redis_keys.turn_notes(turns[1])
    await eventually(lambda: not redis_client.exists(notes, redis_keys.turn_audio(turns[1])))
    assert not await Turn.objects.filter(pk=turns[1]).aexists()


async def test_the_sweep_leaves_a_live_turn_alone(
    worker: Worker, redis_client: redis.Redis, session: Make, spoken: Callable[[str], Sound]
) -> None:
    made = await asyncio.to_thread(session)
    async with Caller.calling(made) as caller:
        turn = caller.open_turn(spoken(WEATHER).pcm)
        await eventually(lambda: redis_client.exists(redis_keys.turn_notes(turn)))
        await expire_and_sweep(redis_client, "nothing")
        caller.end(turn)
        await caller.until(FinalTranscript)
    assert f'"silent turn swept".*{turn}' not in worker.log()


@pytest.mark.parametrize("mode", Session.Mode.values)
async def test_a_session_whose_web_process_died_is_ended_by_the_second_sweep(
    mode: str, worker: Worker, redis_client: redis.Redis, session: Make
) -> None:
    dead, live = await asyncio.gather(asyncio.to_thread(session), asyncio.to_thread(session))

    def age() -> None:
        Session.objects.update(mode=mode, started_at="2020-01-01T00:00Z")

    def status(made: SessionSpec) -> str:
        return Session.objects.get(pk=made.session_id).status

    await database_sync_to_async(age)()
    async with Caller.calling(live):
        await sweep()
        assert await database_sync_to_async(status)(dead) == "active"
        await sweep()
        assert await database_sync_to_async(status)(dead) == "ended"
        assert await database_sync_to_async(status)(live) == "active"


async def expire_and_sweep(client: redis.Redis, *keys: str) -> None:
    """Let these keys' time be over, and sweep as beat would have it."""
    client.delete(*keys)
    await sweep()

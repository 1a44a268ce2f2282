"""Whatever dies in the middle of a turn costs that turn, with an error that names the stage."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
import redis

from interaction.audio.wav import Sound
from interaction.bus import redis_keys
from interaction.cascade.engine import CascadeEngine
from interaction.core.engine import EngineUnavailable, SessionSpec
from interaction.core.events import (
    FinalTranscript,
    PartialTranscript,
    ReplyAudio,
    ReplyText,
    StageFailed,
)
from interaction.tests.cascade.caller import Caller, spec
from interaction.tests.turn_records.test_archive import archived
from interaction.turn_records.sweep import sweep
from voiceproject.testing.stack import RunRedis, Worker

WEATHER = "what is the weather like in paris today"
LONG = " ".join(f"This is sentence number {number} of a long reply." for number in range(12))


async def next_turn_works(caller: Caller, worker: Worker) -> None:
    await asyncio.to_thread(worker.start)
    _, reply = caller.type("Are you back?")
    assert await caller.reply_to_its_end(reply)


async def test_a_worker_killed_while_it_transcribes(
    worker: Worker, spoken: Callable[[str], Sound]
) -> None:
    async with Caller.calling(spec()) as caller:
        turn = caller.open_turn(spoken(WEATHER).pcm)
        await caller.until(PartialTranscript)
        worker.kill()
        failed = await caller.failure(turn)
        assert (failed.stage, failed.code, failed.retryable) == ("stt", "stage_lost", True)
        await next_turn_works(caller, worker)


async def test_a_worker_killed_while_it_responds(worker: Worker) -> None:
    async with Caller.calling(spec(paced=True)) as caller:
        turn, _ = caller.type(LONG)
        await caller.until(ReplyAudio)
        worker.kill()
        failed = await caller.failure(turn)
        assert failed.stage in ("llm", "tts"), "it did both: whichever is missed first"
        assert failed.code == "stage_lost"
        await next_turn_works(caller, worker)


async def test_a_worker_killed_while_it_synthesizes(worker: Worker) -> None:
    async with Caller.calling(spec(paced=True)) as caller:
        turn, reply = caller.type("This is one sentence which takes a while to say " * 6)
        await caller.until(ReplyAudio)
        await asyncio.to_thread(worker.wait_for_log, f'"stage finished".*{reply} stage=llm')
        worker.kill()
        failed = await caller.failure(turn)
        assert (failed.stage, failed.code, failed.reply_id) == ("tts", "stage_lost", reply)
        await next_turn_works(caller, worker)


@pytest.mark.django_db(transaction=True)
async def test_a_worker_killed_while_it_archives(
    worker: Worker, redis_client: redis.Redis, session: Callable[..., SessionSpec]
) -> None:
    made = await asyncio.to_thread(session)
    async with Caller.calling(made) as caller:
        turn, reply = caller.type("Keep this.")
        await caller.reply_to_its_end(reply)
        # As if a stage were still at work: the archive waits for it.
        redis_client.hset(redis_keys.turn_work(turn), "llm:held", 1)
        caller.close(turn, reply, kind="text")
        await asyncio.to_thread(worker.wait_for_log, f'"stage started".*{turn} stage=archive')
        worker.kill()
        failed = await caller.failure(turn)
        assert (failed.stage, failed.code) == ("archive", "stage_lost")
        redis_client.delete(redis_keys.turn_work(turn), redis_keys.turn_live(turn))
        await asyncio.to_thread(worker.start)
        await sweep()
        assert (await archived(turn)).reply == "You said: Keep this."


async def test_a_turn_that_no_worker_takes_fails(worker: Worker) -> None:
    worker.kill()
    async with Caller.calling(spec()) as caller:
        turn, _ = caller.type("Is anybody there?")
        failed = await caller.failure(turn)
        assert (failed.stage, failed.code) == ("llm", "stage_lost")
        await next_turn_works(caller, worker)
        texts = [event.text for event in caller.events if isinstance(event, ReplyText)]
        assert texts == ["You said: Are you back?"]


@pytest.fixture
async def broken_redis(run_redis: RunRedis, worker: Worker) -> AsyncIterator[RunRedis]:
    yield run_redis
    worker.kill()  # its connections are as the test left them


async def test_redis_standing_still_for_five_seconds_costs_nothing(
    worker: Worker, broken_redis: RunRedis, spoken: Callable[[str], Sound]
) -> None:
    async with Caller.calling(spec()) as caller:
        loop = asyncio.get_running_loop()
        turn = caller.open_turn(spoken(WEATHER).pcm)
        await caller.until(PartialTranscript)
        broken_redis.pause()
        late = 0.0
        try:
            for _ in range(50):
                due = loop.time() + 0.1
                await asyncio.sleep(0.1)
                late = max(late, loop.time() - due)
        finally:
            broken_redis.go_on()
        reply = caller.end(turn)
        assert (await caller.until(FinalTranscript)).text == WEATHER
        assert await caller.reply_to_its_end(reply)
        assert not [event for event in caller.events if isinstance(event, StageFailed)]
        assert late < 4, "the event loop was blocked"


async def test_audio_that_cannot_be_passed_on_is_dropped_and_said_so_once(
    worker: Worker, broken_redis: RunRedis
) -> None:
    async with Caller.calling(spec()) as caller:
        turn = caller.open_turn(bytes(32_000))
        broken_redis.pause()
        try:
            caller.feed_audio(turn, bytes(40 * 32_000))
            failed = await caller.failure(turn)
        finally:
            broken_redis.go_on()
        assert (failed.stage, failed.code) == ("stt", "audio_dropped")
        caller.end(turn)
        no_speech = await caller.until(StageFailed, lambda event: event.code != "audio_dropped")
        assert no_speech.code == "no_speech"
        assert len([event for event in caller.events if isinstance(event, StageFailed)]) == 2


async def test_a_session_cannot_open_while_redis_is_away(broken_redis: RunRedis) -> None:
    broken_redis.die()
    try:
        engine = CascadeEngine(spec())
        with pytest.raises(EngineUnavailable):
            await engine.open()
        await engine.close()
    finally:
        broken_redis.come_back()


async def test_after_redis_was_killed_and_came_back_empty_the_next_turn_works(
    worker: Worker, broken_redis: RunRedis, spoken: Callable[[str], Sound]
) -> None:
    async with Caller.calling(spec()) as caller:
        turn = caller.open_turn(spoken(WEATHER).pcm)
        await caller.until(PartialTranscript)
        broken_redis.die()
        broken_redis.come_back()
        failed = await caller.failure(turn)
        assert failed.stage == "stt"
        # The worker needs a moment to find the new one.
        await asyncio.to_thread(worker.wait_until_ready)
        for _ in range(10):
            _, reply = caller.type("Are you back?")
            if await caller.outcome(reply) == "answered":
                break
        else:
            pytest.fail("no turn ever worked again")

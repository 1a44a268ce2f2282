from __future__ import annotations

import asyncio
from collections.abc import Callable
from uuid import uuid4

import redis as sync_redis

from interaction.audio.wav import Sound
from interaction.bus import redis_keys
from interaction.bus.cancellation import cancel, running_stages
from interaction.bus.publisher import publisher
from interaction.bus.redis_client import close_redis, get_redis
from interaction.bus.stage_messages import StageRequest, dump_context
from interaction.cascade.stage import StageRun, run_stage
from interaction.core.events import (
    FinalTranscript,
    MetricMeasured,
    PartialTranscript,
    ReplyAudio,
    ReplySentence,
    ReplyText,
)
from interaction.core.orders import CancelReply, DropTurn, EndTurn, FlushTurn
from interaction.core.types import Message
from interaction.tests.cascade.caller import Caller, spec
from voiceproject.testing.stack import Worker

WEATHER = "what is the weather like in paris today"
LONG = " ".join(f"This is sentence number {number} of a long reply." for number in range(12))


async def test_a_spoken_turn_is_transcribed_answered_and_spoken(
    worker: Worker, spoken: Callable[[str], Sound]
) -> None:
    async with Caller.calling(spec()) as caller:
        turn = caller.open_turn(spoken(WEATHER).pcm)
        await caller.until(PartialTranscript)
        reply = caller.end(turn)
        final = await caller.until(FinalTranscript)
        assert (final.text, final.reply_id) == (WEATHER, reply)
        sentence = await caller.until(ReplySentence)
        assert sentence.text in (await caller.until(ReplyText)).text
        assert len(await caller.reply_to_its_end(reply)) > 24_000
        measured = {event.metric for event in caller.events if isinstance(event, MetricMeasured)}
        assert measured == {"llm_ttft", "llm_ttfs", "tts_ttfb"}


async def test_words_that_go_on_join_the_message_before_them(
    worker: Worker, spoken: Callable[[str], Sound]
) -> None:
    asked = (Message("user", "Tell me,"),)
    async with Caller.calling(spec()) as caller:

        async def answer(*, goes_on: bool) -> str:
            turn, reply = caller.open_turn(spoken(WEATHER).pcm), uuid4()
            caller.engine.execute(EndTurn(turn, reply, asked, goes_on=goes_on))
            return (await caller.until(ReplyText, lambda event: event.reply_id == reply)).text

        assert await answer(goes_on=True) == f"You said: Tell me, {WEATHER}"
        assert await answer(goes_on=False) == f"You said: {WEATHER}"


async def test_many_sentences_are_played_in_their_order(worker: Worker) -> None:
    async with Caller.calling(spec()) as caller:
        _, reply = caller.type(LONG)
        await caller.reply_to_its_end(reply)
        order = [event.sentence for event in caller.events if isinstance(event, ReplyAudio)]
        assert order == sorted(order)
        assert set(order) == set(range(12))


async def test_conversations_at_the_same_time_do_not_mix(worker: Worker) -> None:
    async def talk(text: str) -> str:
        async with Caller.calling(spec()) as caller:
            _, reply = caller.type(text)
            await caller.reply_to_its_end(reply)
            return (await caller.until(ReplyText)).text

    texts = [f"I am caller {number}." for number in range(8)]
    replies = await asyncio.gather(*map(talk, texts))
    assert replies == [f"You said: {text}" for text in texts]


async def test_a_flush_answers_early_and_a_flushed_end_transcribes_nothing_more(
    worker: Worker, spoken: Callable[[str], Sound]
) -> None:
    async with Caller.calling(spec()) as caller:
        turn, reply = caller.open_turn(spoken(WEATHER).pcm), uuid4()
        caller.engine.execute(FlushTurn(turn, reply, ()))
        assert (await caller.until(FinalTranscript)).reply_id == reply
        await caller.reply_to_its_end(reply)
        caller.engine.execute(EndTurn(turn, reply, (), flushed=True))
        await asyncio.to_thread(worker.wait_for_log, f'"stage finished".*{turn}.*stage=stt')
        finals = [event for event in caller.events if isinstance(event, FinalTranscript)]
        assert [final.text for final in finals] == [WEATHER]


async def test_after_a_flush_the_person_may_go_on(
    worker: Worker, spoken: Callable[[str], Sound]
) -> None:
    async with Caller.calling(spec()) as caller:
        turn, eager = caller.open_turn(spoken(WEATHER).pcm), uuid4()
        caller.engine.execute(FlushTurn(turn, eager, ()))
        await caller.until(FinalTranscript)
        caller.engine.execute(CancelReply(turn, eager))
        caller.feed_audio(turn, spoken("and in the evening").pcm)
        reply = caller.end(turn)
        final = await caller.until(FinalTranscript, lambda event: event.reply_id == reply)
        assert final.text.startswith(WEATHER)
        assert final.text != WEATHER
        assert await caller.reply_to_its_end(reply)


async def test_silence_is_reported_as_no_speech(worker: Worker) -> None:
    async with Caller.calling(spec()) as caller:
        turn = caller.open_turn(bytes(32_000))
        caller.end(turn)
        failed = await caller.failure(turn)
        assert (failed.stage, failed.code, failed.provider) == ("stt", "no_speech", "pocketsphinx")


async def test_a_cancelled_reply_stops_at_once_and_says_nothing_more(worker: Worker) -> None:
    async with Caller.calling(spec(paced=True)) as caller:
        turn, reply = caller.type(LONG)
        await caller.until(ReplyAudio)
        caller.engine.execute(CancelReply(turn, reply))
        await asyncio.to_thread(worker.wait_for_log, f'"synthesis stopped".*{reply}')
        await asyncio.to_thread(worker.wait_for_log, f'"response stopped".*{reply}')
        before = list(caller.events)
        _, following = caller.type("And now?")
        await caller.reply_to_its_end(following)
        new = [event for event in caller.events if event not in before]
        assert all(getattr(event, "reply_id", following) == following for event in new)


async def test_a_stage_that_was_cancelled_before_it_began_does_nothing(worker: Worker) -> None:
    async with Caller.calling(spec()):
        reply = uuid4()
        await cancel(get_redis(), reply)
        await publisher().publish(StageRequest(spec(), uuid4(), "", "llm", reply), context=[])
        await asyncio.to_thread(worker.wait_for_log, f'"response stopped".*{reply}')
        assert f'"stage started".*{reply}' not in worker.log()


async def test_a_stop_that_comes_when_the_work_is_done_leaves_it_done(
    redis_client: sync_redis.Redis,
) -> None:
    request = StageRequest(spec(), uuid4(), "", "llm", uuid4())

    async def work(run: StageRun) -> None:
        # It comes with the next turn of the loop, while Redis is told that the work is over.
        asyncio.get_running_loop().call_soon(running_stages.cancel, request.job.subject)

    task = asyncio.create_task(run_stage(request, work, deadline=10))
    await asyncio.wait({task})
    assert not task.cancelled()
    assert not await get_redis().exists(redis_keys.turn_work(request.turn_id))
    await close_redis()


async def test_a_dropped_turn_stops_its_transcription(worker: Worker) -> None:
    async with Caller.calling(spec()) as caller:
        turn = caller.open_turn(bytes(32_000))
        await asyncio.to_thread(worker.wait_for_log, f'"stage started".*{turn}')
        caller.engine.execute(DropTurn(turn))
        await asyncio.to_thread(worker.wait_for_log, f'"transcription stopped".*{turn}')


async def test_a_task_that_is_delivered_twice_runs_once(worker: Worker) -> None:
    async with Caller.calling(spec()) as caller:
        turn, reply = caller.type("Say it once.")
        request = StageRequest(spec(), turn, "", "llm", reply)
        await caller.reply_to_its_end(reply)
        context = dump_context((Message("user", "Say it once."),))
        await publisher().publish(request, context=context)
        await asyncio.to_thread(worker.wait_for_log, f'"duplicate dropped".*{reply}')
        texts = [event for event in caller.events if isinstance(event, ReplyText)]
        assert len(texts) == 1

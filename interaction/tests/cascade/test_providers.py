"""The stages over HTTP: what a slow or broken provider costs, and that stopping reaches it."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from interaction.core.events import FinalTranscript, ReplyAudio, ReplySentence, ReplyText
from interaction.core.orders import CancelReply
from interaction.tests.cascade.caller import Caller, eventually, remote
from interaction.tests.standins.openai import mark
from voiceproject.testing.stack import Providers, Worker

HALF_A_SECOND = bytes(16_000)


async def test_callers_at_the_same_time_hear_the_answers_to_their_own_words(
    worker: Worker, standin: Providers
) -> None:
    """The language model holds every answer until all have asked: they are at the same time,
    however busy the machine is, and are not all at the worker's door in the same moment."""
    pitches = range(1_000, 6_000, 500)
    standin.always("llm", held=True)
    async with AsyncExitStack() as calls:
        callers, replies = [], []
        for hz in pitches:
            caller = await calls.enter_async_context(Caller.calling(remote()))
            turn = caller.open_turn(mark(bytes(32_000), 16_000, hz))
            replies.append(caller.end(turn))
            callers.append(caller)
            assert (await caller.until(FinalTranscript)).text == f"caller {hz}"
            await eventually(lambda: len(standin.requests("llm")) == len(callers))
        ended = {request["ended"] for request in standin.requests("llm")}
        assert ended == {"abandoned"}, "none has its answer yet"
        standin.release()
        for caller, reply in zip(callers, replies, strict=True):
            await caller.reply_to_its_end(reply)
        texts = [(await caller.until(ReplyText)).text for caller in callers]
        assert texts == [f"You said: caller {hz}." for hz in pitches]


@pytest.mark.parametrize("stage", ["stt", "llm", "tts"])
async def test_a_providers_failure_costs_the_turn_and_names_the_stage(
    worker: Worker, standin: Providers, stage: str
) -> None:
    standin.always(stage, status=503)
    async with Caller.calling(remote()) as caller:
        turn = caller.open_turn(HALF_A_SECOND)
        caller.end(turn)
        failed = await caller.failure(turn)
        assert (failed.stage, failed.provider) == (stage, "openai")
        assert (failed.code, failed.retryable) == ("provider_unavailable", True)
        standin.reset()
        _, reply = caller.type("Once more.")
        assert await caller.reply_to_its_end(reply)


async def test_speech_that_breaks_off_is_a_failure_after_what_came_before_it(
    worker: Worker, standin: Providers
) -> None:
    standin.always("llm", text="The first sentence is fine. But the second one breaks off.")
    standin.next("tts")
    standin.next("tts", fault="cut", first_after=1)
    async with Caller.calling(remote()) as caller:
        turn, reply = caller.type("Go on.")
        failed = await caller.failure(turn)
        assert (failed.stage, failed.reply_id) == ("tts", reply)
        came = caller.events[: caller.events.index(failed)]
        assert [event.sentence for event in came if isinstance(event, ReplySentence)] == [0, 1]
        assert 0 in {event.sentence for event in came if isinstance(event, ReplyAudio)}


async def test_the_first_sentence_is_spoken_while_the_rest_is_still_written(
    worker: Worker, standin: Providers
) -> None:
    standin.always("llm", text="This is first. " + "And then more words come. " * 2, pause=0.1)
    async with Caller.calling(remote()) as caller:
        _, reply = caller.type("Talk.")
        await caller.until(ReplyAudio)
        assert not [event for event in caller.events if isinstance(event, ReplyText)]
        await caller.reply_to_its_end(reply)


async def test_no_more_than_two_sentences_are_synthesised_beyond_the_one_that_plays(
    worker: Worker, standin: Providers
) -> None:
    standin.always("llm", text="Here come several words. " * 8)
    standin.always("tts", first_after=2)  # whichever sentence asks first
    async with Caller.calling(remote()) as caller:
        _, reply = caller.type("Talk.")
        await caller.until(ReplySentence, lambda event: event.sentence == 7)
        await eventually(lambda: len(standin.requests("tts")) >= 3)
        audio = [event for event in caller.events if isinstance(event, ReplyAudio)]
        assert not audio
        assert len(standin.requests("tts")) == 3
        await caller.reply_to_its_end(reply)
        assert len(standin.requests("tts")) == 8


@pytest.mark.parametrize("stage", ["llm", "tts"])
async def test_cancelling_a_reply_ends_its_requests_to_the_provider(
    worker: Worker, standin: Providers, stage: str
) -> None:
    standin.always(stage, pause=1, text="One two three four five six seven eight nine. " * 9)
    async with Caller.calling(remote()) as caller:
        turn, reply = caller.type("Talk.")
        await eventually(lambda: standin.requests(stage))
        caller.engine.execute(CancelReply(turn, reply))
        stopped = {"llm": "response stopped", "tts": "synthesis stopped"}[stage]
        await asyncio.to_thread(worker.wait_for_log, f'"{stopped}".*{reply}')
        await eventually(lambda: standin.requests(stage)[0]["ended"] == "abandoned")


async def test_sentences_synthesised_by_two_workers_are_played_in_order(
    worker: Worker, standin: Providers
) -> None:
    second = Worker({**worker.env}, ("tts",))
    try:
        await asyncio.to_thread(second.start)
        async with Caller.calling(remote()) as caller:
            standin.always("llm", text=" ".join(f"Sentence number {n}." for n in range(9)))
            for _ in range(4):
                _, reply = caller.type("Talk.")
                assert await caller.reply_to_its_end(reply)
        logs = worker.log(), second.log()
        assert all('"stage finished"' in log and "stage=tts" in log for log in logs)
    finally:
        await asyncio.to_thread(second.remove)


async def test_what_was_said_is_in_no_log(worker: Worker, standin: Providers) -> None:
    standin.always("llm", text="A secret answer it is.")
    async with Caller.calling(remote()) as caller:
        _, reply = caller.type("Tell me the hidden word.")
        await caller.reply_to_its_end(reply)
        await asyncio.to_thread(worker.wait_for_log, f'"stage finished".*{reply} stage=tts')
    assert not {"secret", "hidden"} & set(worker.log().split())
    assert "secret" not in worker.log()
    assert "hidden" not in worker.log()
    assert "a key" not in worker.log()


async def test_with_usual_delays_the_voice_starts_while_the_model_still_writes(
    worker: Worker, standin: Providers
) -> None:
    def connections() -> set[int]:
        stages = ("stt", "llm", "tts")
        return {request["connection"] for stage in stages for request in standin.requests(stage)}

    standin.always("stt", first_after=0.1)
    standin.always("tts", first_after=0.1)
    text = "This is first. And then a good many more words come, one after the other."
    standin.always("llm", first_after=0.15, pause=0.1, text=text)
    seen = []
    async with Caller.calling(remote()) as caller:
        for _ in range(3):
            reply = caller.end(caller.open_turn(HALF_A_SECOND))
            await caller.reply_to_its_end(reply)
            news = [event for event in caller.events if getattr(event, "reply_id", None) == reply]
            kinds = [type(event) for event in news]
            assert kinds.index(ReplyAudio) < kinds.index(ReplyText)
            seen.append(connections())
    assert seen[1:] == [seen[0]] * 2, "connections are kept and used again"

"""Who serves a stage when the first choice fails, what is tried again, and what is not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from uuid import UUID

import pytest

from interaction.audio.wav import Sound
from interaction.core.engine import SessionSpec
from interaction.core.events import (
    FinalTranscript,
    PartialTranscript,
    ProviderSwitched,
    ReplySentence,
    ReplyText,
    StageFailed,
)
from interaction.core.types import ProviderSelection
from interaction.tests.cascade.caller import Caller, eventually, remote
from interaction.tests.turn_records.test_archive import archived
from voiceproject.testing.stack import Providers, Worker

OPENAI = ProviderSelection("openai", model="any")
LOCAL = {
    "stt": ProviderSelection("pocketsphinx"),
    "llm": ProviderSelection("echo"),
    "tts": ProviderSelection("espeak"),
}
WEATHER = "what is the weather like in paris today"
HALF_A_SECOND = bytes(16_000)


def backed(*stages: str) -> SessionSpec:
    """By the stand-in, and by a local provider where that fails."""
    return remote(**{stage: (OPENAI, LOCAL[stage]) for stage in stages})


def switches(caller: Caller) -> list[ProviderSwitched]:
    return [event for event in caller.events if isinstance(event, ProviderSwitched)]


async def switch(caller: Caller, turn: UUID) -> ProviderSwitched:
    """The news comes by another way than the audio, perhaps a little later."""
    return await caller.until(ProviderSwitched, lambda event: event.turn_id == turn)


@pytest.mark.parametrize("stage", ["stt", "llm", "tts"])
async def test_the_next_on_the_list_takes_the_turn_and_the_turn_shows_it(
    worker: Worker, standin: Providers, spoken: Callable[[str], Sound], stage: str
) -> None:
    standin.always(stage, status=503)
    async with Caller.calling(backed("stt", "llm", "tts")) as caller:
        turn = caller.open_turn(spoken(WEATHER).pcm)
        reply = caller.end(turn)
        assert await caller.reply_to_its_end(reply)
        switched = await switch(caller, turn)
    served = LOCAL[stage].name
    code = "provider_unavailable"
    assert switched == ProviderSwitched(turn, switched.stage, "openai", code, served)
    assert switched.stage == stage
    assert len(standin.requests(stage)) == 1


async def test_the_recogniser_that_steps_in_hears_the_turn_from_its_start(
    worker: Worker, standin: Providers, spoken: Callable[[str], Sound]
) -> None:
    standin.always("stt", status=500)
    async with Caller.calling(backed("stt")) as caller:
        turn = caller.open_turn(spoken(WEATHER).pcm)
        caller.end(turn)
        assert (await caller.until(FinalTranscript)).text == WEATHER


async def test_a_key_that_is_not_accepted_moves_the_turn_on_as_well(
    worker: Worker, standin: Providers
) -> None:
    standin.always("llm", status=401)
    async with Caller.calling(backed("llm")) as caller:
        _, reply = caller.type("Is anybody there?")
        await caller.reply_to_its_end(reply)
        (switched,) = switches(caller)
    assert (switched.code, switched.provider) == ("provider_unauthorized", "echo")


async def test_a_provider_that_says_nothing_is_not_waited_for_while_there_is_another(
    worker: Worker, standin: Providers
) -> None:
    standin.always("llm", fault="hang")
    async with Caller.calling(backed("llm")) as caller:
        _, reply = caller.type("Is anybody there?")
        await caller.reply_to_its_end(reply)
        (switched,) = switches(caller)
    assert switched.code == "provider_timeout"
    assert standin.requests("llm")[0]["ended"] == "abandoned"


async def test_the_fallback_is_kept_with_the_turn(
    worker: Worker, standin: Providers, session: Callable[..., SessionSpec]
) -> None:
    standin.always("tts", status=503)
    made = await asyncio.to_thread(session, tts=(OPENAI, LOCAL["tts"]))
    async with Caller.calling(made) as caller:
        turn, reply = caller.type("Hello.")
        await caller.reply_to_its_end(reply)
        switched = await switch(caller, turn)
        fell_back = ProviderSwitched(
            turn, switched.stage, switched.failed, switched.code, switched.provider
        )
        caller.close(turn, reply, kind="text", fallbacks=(fell_back,))
        row = await archived(turn)
    facts = {"failed": "openai", "code": "provider_unavailable", "provider": "espeak"}
    assert row.fallbacks == [{"stage": "tts", **facts}]


@pytest.mark.parametrize("stage", ["stt", "llm", "tts"])
async def test_without_another_the_same_one_is_asked_again(
    worker: Worker, standin: Providers, stage: str
) -> None:
    standin.next(stage, status=500)
    standin.next(stage, status=429, retry_after="0.3")
    async with Caller.calling(remote()) as caller:
        turn = caller.open_turn(HALF_A_SECOND)
        reply = caller.end(turn)
        assert await caller.reply_to_its_end(reply)
        assert not switches(caller)
    assert [request["ended"] for request in standin.requests(stage)][:2] == ["failed", "failed"]


async def test_it_is_asked_three_times_at_most(worker: Worker, standin: Providers) -> None:
    standin.always("llm", status=503)
    async with Caller.calling(remote()) as caller:
        turn, _ = caller.type("Hello.")
        failed = await caller.failure(turn)
    assert (failed.provider, failed.code) == ("openai", "provider_unavailable")
    assert len(standin.requests("llm")) == 3


@pytest.mark.parametrize(
    ("plan", "code"),
    [
        ({"status": 401}, "provider_unauthorized"),
        ({"status": 400}, "provider_refused"),
        ({"fault": "garbage"}, "provider_protocol_error"),
        ({"status": 429, "retry_after": "60"}, "provider_rate_limited"),
    ],
)
async def test_what_cannot_help_in_time_is_not_tried_again(
    worker: Worker, standin: Providers, plan: dict[str, object], code: str
) -> None:
    standin.always("llm", **plan)
    async with Caller.calling(remote()) as caller:
        turn, _ = caller.type("Hello.")
        assert (await caller.failure(turn)).code == code
    assert len(standin.requests("llm")) == 1


@pytest.mark.parametrize("stage", ["stt", "llm", "tts"])
async def test_after_the_first_output_nobody_steps_in(
    worker: Worker, standin: Providers, stage: str
) -> None:
    standin.always("llm", text="These are words enough for a sentence or two.")
    standin.always("stt", text="these are words")
    standin.next(stage, fault="cut", text="These are words enough for a sentence or two.")
    async with Caller.calling(backed("stt", "llm", "tts")) as caller:
        turn = caller.open_turn(HALF_A_SECOND)
        caller.end(turn)
        failed = await caller.failure(turn)
        assert (failed.stage, failed.code) == (stage, "provider_protocol_error")
        assert not switches(caller)
        if stage == "stt":
            assert (await caller.until(PartialTranscript)).text == "These"
    assert len(standin.requests(stage)) == 1


async def test_where_everybody_fails_the_turn_has_one_error(
    worker: Worker, standin: Providers
) -> None:
    standin.always("tts", status=503)
    other = ProviderSelection("openai", model="another")
    async with Caller.calling(remote(tts=(OPENAI, other))) as caller:
        turn, reply = caller.type("Hello.")
        assert await caller.outcome(reply) == "provider_unavailable"
        _, following = caller.type("Again.")
        await caller.outcome(following)
        failures = [event for event in caller.events if isinstance(event, StageFailed)]
        assert [failed.turn_id for failed in failures].count(turn) == 1
    assert len(standin.requests("tts")) == 2 * 2 * 3


async def test_one_that_keeps_failing_is_tried_last_until_it_is_well_again(
    worker: Worker, standin: Providers
) -> None:
    standin.always("llm", status=503)
    async with Caller.calling(backed("llm")) as caller:
        for asked in [1, 2, 2, 2]:
            turn, reply = caller.type("Hello.")
            await caller.reply_to_its_end(reply)
            assert len(standin.requests("llm")) == asked
            switched = await switch(caller, turn)
            assert switched.code == "provider_unavailable"
        standin.reset()
    async with Caller.calling(remote(llm=(LOCAL["llm"], OPENAI))) as other:
        _, reply = other.type("The order of this one is its own.")
        await other.reply_to_its_end(reply)
        assert not switches(other)


async def test_a_bad_key_of_one_person_is_nobody_elses_trouble(
    worker: Worker, standin: Providers
) -> None:
    standin.next("llm", status=401)
    async with Caller.calling(backed("llm")) as caller:
        for asked in [1, 1]:
            _, reply = caller.type("Hello.")
            await caller.reply_to_its_end(reply)
            assert len(standin.requests("llm")) == asked
    somebody = remote(owner_id=2, llm=(OPENAI, LOCAL["llm"]))
    async with Caller.calling(somebody) as other:
        _, reply = other.type("Hello.")
        await other.reply_to_its_end(reply)
        assert not switches(other)
    assert len(standin.requests("llm")) == 2


async def test_the_sentences_of_a_reply_agree_on_who_speaks(
    worker: Worker, standin: Providers
) -> None:
    standin.always("llm", text="Here come several words. " * 8)
    standin.always("tts", status=503)
    async with Caller.calling(backed("tts")) as caller:
        turn, reply = caller.type("Talk.")
        await caller.reply_to_its_end(reply)
        await caller.until(ReplySentence, lambda event: event.sentence == 7)
        await switch(caller, turn)
        assert len(switches(caller)) == 1
        assert (await caller.until(ReplyText)).sentences == 8
    await eventually(lambda: standin.requests("tts"))
    assert len(standin.requests("tts")) < 8

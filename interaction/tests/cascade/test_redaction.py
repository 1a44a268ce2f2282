"""Long numbers are masked where a transcript is born: nothing behind the recogniser sees them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from uuid import uuid4

import pytest
import redis

from interaction.bus import redis_keys
from interaction.core.engine import SessionSpec
from interaction.core.events import FinalTranscript, PartialTranscript, ReplyText
from interaction.core.orders import CancelReply, EndTurn, FlushTurn
from interaction.tests.cascade.caller import Caller, eventually, remote
from interaction.tests.turn_records.test_archive import archived
from voiceproject.testing.stack import Providers, Worker

CARD = "My card is 4111 1111 1111 1111 and my code is 1234."
MASKED = "My card is [number] and my code is 1234."
HALF_A_SECOND = bytes(16_000)


def digits(text: str) -> str:
    return re.sub(r"\D", "", text)


async def test_neither_client_nor_model_nor_database_nor_log_sees_the_number(
    worker: Worker,
    standin: Providers,
    redis_client: redis.Redis,
    session: Callable[..., SessionSpec],
) -> None:
    standin.always("stt", text=CARD)
    openai = remote()
    made = await asyncio.to_thread(session, stt=openai.stt, llm=openai.llm, tts=openai.tts)
    async with Caller.calling(made) as caller:
        turn = caller.open_turn(HALF_A_SECOND)
        reply = caller.end(turn)
        await caller.reply_to_its_end(reply)
        assert (await caller.until(FinalTranscript)).text == MASKED
        partials = [event.text for event in caller.events if isinstance(event, PartialTranscript)]
        notes = await asyncio.to_thread(redis_client.hgetall, redis_keys.turn_notes(turn))
        caller.close(turn, reply)
        row = await archived(turn)
    assert partials
    assert all(len(digits(text)) <= 4 + len("1234") for text in partials)
    assert row.transcript == MASKED
    assert b"[number]" in notes[b"transcript"]
    for seen in [notes, standin.requests("llm"), standin.requests("tts"), worker.log()]:
        assert "4111" not in str(seen)


async def test_it_can_be_switched_off(worker: Worker, standin: Providers) -> None:
    standin.always("stt", text=CARD)
    async with Caller.calling(remote(redact=False)) as caller:
        caller.end(caller.open_turn(HALF_A_SECOND))
        assert (await caller.until(FinalTranscript)).text == CARD


@pytest.mark.parametrize("goes_on", [True, False])
async def test_no_reply_is_prepared_while_a_number_may_still_grow(
    worker: Worker, standin: Providers, goes_on: bool
) -> None:
    standin.next("stt", text="My card is 4111 1111 11")
    standin.next("stt", text="My card is 4111 1111 1111 1111")
    async with Caller.calling(remote()) as caller:
        turn, eager = caller.open_turn(HALF_A_SECOND), uuid4()
        caller.engine.execute(FlushTurn(turn, eager, ()))
        await eventually(lambda: _answered(standin, 1))
        # A turn in between goes all the way through the same worker: time enough to do wrong.
        _, other = caller.type("Something else.")
        await caller.reply_to_its_end(other)
        assert not [event for event in caller.events if isinstance(event, FinalTranscript)]
        if goes_on:
            caller.engine.execute(CancelReply(turn, eager))
            caller.feed_audio(turn, HALF_A_SECOND)
            reply = caller.end(turn)
        else:
            reply = eager
            caller.engine.execute(EndTurn(turn, eager, (), flushed=True))
        text = "My card is [number]" if goes_on else "My card is 4111 1111 11"
        final = await caller.until(FinalTranscript)
        assert (final.text, final.reply_id) == (text, reply)
        await caller.reply_to_its_end(reply)
        said = await caller.until(ReplyText, lambda event: event.reply_id == reply)
        assert said.text == f"You said: {text}."


def _answered(standin: Providers, count: int) -> bool:
    requests = standin.requests("stt")
    return len(requests) == count and all(one["ended"] == "answered" for one in requests)

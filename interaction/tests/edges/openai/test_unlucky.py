"""Events that come together in unlucky orders, and what they must not do to a conversation."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID

import pytest

from interaction.audio import wav
from interaction.core.events import FinalTranscript, ReplyAudio, StageFailed
from interaction.core.orders import Respond, SendAudio, TranscribeTurn
from interaction.edges.openai.consumer import RealtimeConsumer
from interaction.models import Session
from interaction.sessions import create
from interaction.tests.edges.openai.client import Client
from interaction.tests.fakes.scripted_engine import TRANSCRIPT, ScriptedEngine, tone

Connect = Callable[..., Client]
Spoken = Callable[[str], wav.Sound]
BY_HAND: dict[str, Any] = {"audio": {"input": {"turn_detection": None}}}
SILENCE = bytes(32_000)
CARD = "4111 1111 1111 1111"


def orders(engine: ScriptedEngine, kind: type[Any]) -> list[Any]:
    return [order for order in engine.orders if isinstance(order, kind)]


@pytest.fixture
def deaf(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine transcribes nothing by itself."""
    execute = ScriptedEngine.execute

    def silently(engine: ScriptedEngine, order: Any) -> None:
        if isinstance(order, TranscribeTurn):
            engine.orders.append(order)
        else:
            execute(engine, order)

    monkeypatch.setattr(ScriptedEngine, "execute", silently)


@contextlib.asynccontextmanager
async def by_hand(connect: Connect) -> AsyncIterator[Client]:
    """Whoever commits turns and asks for responses by themselves."""
    async with connect() as client:
        await client.until("session.created")
        await client.update(**BY_HAND)
        yield client


async def held(client: Client, engines: list[ScriptedEngine]) -> UUID:
    """Have a response begin that waits for the test to speak it; return its reply's id."""
    await client.write("hold on")
    await client.send("response.create")
    await client.until("response.created")
    (order,) = orders(engines[0], Respond)
    reply_id: UUID = order.reply_id
    return reply_id


async def commit(client: Client, pcm: bytes) -> None:
    await client.append(pcm)
    await client.send("input_audio_buffer.commit")


@pytest.mark.usefixtures("deaf")
async def test_a_response_asked_for_before_the_words_is_cancelled_by_the_next_turn(
    connect: Connect, engines: list[ScriptedEngine]
) -> None:
    async with by_hand(connect) as client:
        await commit(client, tone(500))
        await client.send("response.create")
        await commit(client, tone(500))
        done = await client.until("response.done")
        assert done["response"]["status"] == "cancelled"
        await client.send("response.create")
        await client.until("response.created")
        second = orders(engines[0], TranscribeTurn)[1]
        engines[0].emit(FinalTranscript(second.turn_id, "hello"))
        done = await client.until("response.done")
    assert done["response"]["status"] == "completed"


@pytest.mark.usefixtures("deaf")
async def test_instructions_of_its_own_do_not_lose_the_words_that_it_answers(
    connect: Connect, engines: list[ScriptedEngine]
) -> None:
    async with by_hand(connect) as client:
        await commit(client, tone(500))
        await client.send("response.create", response={"instructions": "Be kind."})
        await client.until("response.created")
        (turn,) = orders(engines[0], TranscribeTurn)
        engines[0].emit(FinalTranscript(turn.turn_id, "good morning"))
        await client.until("response.done")
    (order,) = orders(engines[0], Respond)
    assert [m.content for m in order.context] == ["Be kind.", "good morning"]


async def test_a_commit_comes_before_what_is_sent_behind_it(
    connect: Connect, engines: list[ScriptedEngine]
) -> None:
    async with by_hand(connect) as client:
        await commit(client, tone(500))
        await client.write("typed after")
        await client.send("response.create")
        await client.until("response.done")
    types = client.types()
    committed = types.index("input_audio_buffer.committed")
    assert committed < types.index("response.created")
    added = [event["item"]["content"] for event in client.of("conversation.item.added")]
    assert [part["type"] for (part,) in added[:2]] == ["input_audio", "input_text"]


async def test_the_format_changes_from_the_next_response_on(
    connect: Connect, engines: list[ScriptedEngine]
) -> None:
    async with connect() as client:
        await client.until("session.created")
        reply_id = await held(client, engines)
        engines[0].emit_reply(reply_id, "One.", 1, last=False)
        await client.until("response.output_audio.delta")
        await client.update(audio={"output": {"format": {"type": "audio/pcmu"}}})
        engines[0].emit(ReplyAudio(reply_id, 99, 0, tone(100), last=True))
        await client.until("response.done")
        assert len(client.audio()) == 48_000 * 11 // 10
        client.got.clear()
        await client.write("hello")
        await client.send("response.create")
        await client.until("response.done")
    assert len(client.audio()) == 8_000


async def test_two_responses_at_once_lose_no_sound_of_each_other(
    connect: Connect, engines: list[ScriptedEngine]
) -> None:
    out_of_band = {"conversation": "none"}
    async with connect() as client:
        await client.until("session.created")
        await client.update(audio={"output": {"format": {"type": "audio/pcmu"}}})
        await client.write("hold on")
        await client.send("response.create", response=out_of_band)
        await client.send("response.create", response=out_of_band)
        await client.until("response.created")
        await client.in_step()
        first, second = (order.reply_id for order in orders(engines[0], Respond))
        for number in range(10):
            for reply in (first, second):
                last = number == 9
                engines[0].emit(ReplyAudio(reply, number, 0, tone(100), last=last))
        await client.until("response.done")
        await client.until("response.done")
    assert len(client.audio()) == 2 * 8_000


async def test_what_was_truncated_stays_so_when_the_response_is_cancelled(
    connect: Connect, engines: list[ScriptedEngine]
) -> None:
    async with connect() as client:
        await client.until("session.created")
        reply_id = await held(client, engines)
        engines[0].emit_reply(reply_id, "One two three four.", 4, last=False)
        item = (await client.until("response.output_audio.delta"))["item_id"]
        for _ in range(30):
            await client.until("response.output_audio.delta")
        where = {"item_id": item, "content_index": 0}
        await client.send("conversation.item.truncate", **where, audio_end_ms=2_000)
        await client.send("response.cancel")
        await client.until("response.done")
        await client.send("conversation.item.retrieve", item_id=item)
        kept = (await client.until("conversation.item.retrieved"))["item"]
    assert kept["content"][0]["transcript"] == "One two"


async def test_where_nothing_interrupts_a_turn_that_waits_to_be_asked_bars_no_other(
    connect: Connect, spoken: Spoken
) -> None:
    calm = {"type": "server_vad", "create_response": False, "interrupt_response": False}
    async with connect() as client:
        await client.until("session.created")
        await client.update(audio={"input": {"turn_detection": calm}})
        for _ in range(2):
            await client.say(spoken(TRANSCRIPT).pcm + SILENCE)
            await client.until("input_audio_buffer.committed")
    assert len(client.of("input_audio_buffer.speech_started")) == 2


async def test_a_response_asked_for_while_somebody_speaks_ends_when_they_have_finished(
    connect: Connect, spoken: Spoken, engines: list[ScriptedEngine]
) -> None:
    async with connect() as client:
        await client.until("session.created")
        await client.say(spoken(TRANSCRIPT).pcm)
        await client.until("input_audio_buffer.speech_started")
        await client.write("hold on")
        await client.send("response.create")
        await client.until("response.created")
        await client.say(SILENCE)
        first = await client.until("response.done")
        second = await client.until("response.done")
    assert first["response"]["status"] == "cancelled"
    assert second["response"]["status"] == "completed"


async def test_minutes_of_audio_at_once_are_all_heard(
    connect: Connect, engines: list[ScriptedEngine]
) -> None:
    async with by_hand(connect) as client:
        await commit(client, tone(1_000) * 100)
        await client.until("input_audio_buffer.committed")
    sent = b"".join(order.pcm for order in orders(engines[0], SendAudio))
    assert len(sent) == pytest.approx(100 * 32_000, rel=0.01)
    assert not client.of("error")


@pytest.mark.usefixtures("deaf")
async def test_words_that_are_not_understood_make_no_response_that_nobody_asked_for(
    connect: Connect, engines: list[ScriptedEngine]
) -> None:
    async with by_hand(connect) as client:
        await commit(client, tone(500))
        await client.until("conversation.item.done")
        (turn,) = orders(engines[0], TranscribeTurn)
        failed = StageFailed(turn.turn_id, "stt", "any", "provider_timeout", "Late.", True)
        engines[0].emit(failed)
        await client.in_step()
    assert "response.created" not in client.types()


async def test_a_commit_of_what_is_committed_already_is_empty(
    connect: Connect, spoken: Spoken
) -> None:
    async with connect() as client:
        await client.until("session.created")
        await client.say(spoken(TRANSCRIPT).pcm + SILENCE)
        await client.until("response.done")
        await client.send("input_audio_buffer.commit")
        wrong = (await client.until("error"))["error"]
    assert wrong["code"] == "input_audio_buffer_commit_empty"


async def test_numbers_are_masked_wherever_they_come_in(
    connect: Connect, engines: list[ScriptedEngine]
) -> None:
    content = [{"type": "input_text", "text": f"card {CARD}"}]
    async with connect() as client:
        await client.until("session.created")
        item = {"type": "message", "role": "user", "content": content}
        await client.send("response.create", response={"input": [item]})
        await client.until("response.done")
        output = {"type": "function_call_output", "call_id": "c", "output": CARD}
        await client.send("conversation.item.create", item=output)
        kept = (await client.until("conversation.item.added"))["item"]
    (order,) = orders(engines[0], Respond)
    assert [m.content for m in order.context] == ["card [number]"]
    assert kept["output"] == "[number]"


async def test_an_item_without_an_id_gets_one(connect: Connect) -> None:
    async with connect() as client:
        await client.until("session.created")
        for _ in range(2):
            await client.write("hello", id=None, status=None)
            item = (await client.until("conversation.item.added"))["item"]
            assert item["id"].startswith("item_")
            assert item["status"] == "completed"


async def test_responses_beside_the_conversation_have_a_limit(connect: Connect) -> None:
    async with connect() as client:
        await client.until("session.created")
        await client.write("hold on")
        for _ in range(20):
            await client.send("response.create", response={"conversation": "none"})
        wrong = (await client.until("error"))["error"]
    assert wrong["code"] == "too_many_responses"
    assert len(client.of("response.created")) == 16


async def test_the_error_comes_before_the_close(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RealtimeConsumer, "max_socket_s", 0.1)
    async with connect() as client:
        while (event := await client.receive())["type"] != "close":
            pass
    assert (event["code"], client.got[-1]["error"]["code"]) == (1001, "session_expired")


async def test_a_session_that_cannot_be_opened_closes(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise create.SessionRefused("provider_unknown", "There is no such provider.")

    monkeypatch.setattr(create, "create_session", refuse)
    async with connect() as client:
        await client.write("hello")
        while (event := await client.receive())["type"] != "close":
            pass
    assert (event["code"], client.got[-1]["error"]["code"]) == (4400, "provider_unknown")


async def test_nothing_is_opened_any_more_once_the_engine_is_away(connect: Connect) -> None:
    async with connect("model=/demo:unavailable/") as client:
        await client.until("session.created")
        await client.write("hello")
        while (event := await client.receive())["type"] != "close":
            pass
        assert event["code"] == 1013
        for _ in range(3):
            await client.write("hello")
    assert await Session.objects.acount() == 1


async def test_whoever_leaves_while_a_session_is_made_leaves_none_open(connect: Connect) -> None:
    async with connect() as client:
        await client.until("session.created")
        await client.write("hello")
    for _ in range(100):
        if await Session.objects.filter(status=Session.Status.ENDED).aexists():
            break
        await asyncio.sleep(0.05)
    assert not await Session.objects.filter(status=Session.Status.ACTIVE).aexists()

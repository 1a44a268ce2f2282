"""A mode that fails: the other one is offered, or steps in, and the session goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from interaction.core.events import StageFailed
from interaction.core.orders import Respond, StreamAudio
from interaction.core.turn_taking.engine_detected import EngineTurnDetection
from interaction.core.turn_taking.manual import ManualTurnDetection
from interaction.models import Session
from interaction.tests.edges.client import Client
from interaction.tests.fakes.scripted_engine import ScriptedEngine

Connect = Callable[[], Client]


async def says(client: Client, text: str) -> dict[str, Any]:
    """A typed turn, to its reply's text."""
    await client.send("text_input", text=text)
    return await client.until("agent_response")


async def plays_out(client: Client) -> None:
    ended = await client.until("response_ended")
    await client.has_played(ended["reply_id"], 1_000, ended=True)


async def test_a_realtime_engine_that_is_lost_is_replaced_when_the_person_agrees(
    connect: Connect, engines: list[ScriptedEngine]
) -> None:
    async with connect() as client:
        started = await client.start(mode="realtime", turn_detection={"kind": "server"})
        await says(client, "my name is Ada")
        await plays_out(client)
        await client.send("text_input", text="be lost")
        assert (await client.until("error"))["stage"] == "realtime"
        offer = await client.until("fallback_offered")
        assert (offer["mode"], offer["provider"]) == ("cascade", "scripted")
        assert offer["code"] == "provider_unavailable"
        await client.send("accept_fallback")
        changed = await client.until("mode_changed")
        assert changed == {"type": "mode_changed", "mode": "cascade", "automatic": False}
        await says(client, "who am I")
        await plays_out(client)
        await client.send("end_session")
        over = await client.until("session_ended")
    realtime, cascade = engines
    assert (realtime.spec.mode, cascade.spec.mode) == ("realtime", "cascade")
    (order,) = (order for order in cascade.orders if isinstance(order, Respond))
    said = [message.content for message in order.context]
    assert said[:2] == ["my name is Ada", "You said: my name is Ada."]
    assert said[-1] == "who am I"
    assert not any(isinstance(order, StreamAudio) for order in cascade.orders)
    assert [r.sequence for r in realtime.records][-1] == 2
    assert {record.sequence for record in cascade.records} == {3}
    assert over["summary"]["turns"] == 3
    row = await Session.objects.aget(pk=started["session_id"])
    assert (row.mode, row.end_reason) == ("realtime", "ended")


async def test_the_other_mode_steps_in_by_itself_where_that_was_chosen(
    connect: Connect, engines: list[ScriptedEngine]
) -> None:
    async with connect() as client:
        await client.start(mode="realtime", auto_fallback=True)
        await client.send("text_input", text="be lost")
        assert (await client.until("mode_changed"))["automatic"]
        await says(client, "still there")
        await client.in_step()
    assert "fallback_offered" not in client.types()
    assert [engine.spec.mode for engine in engines] == ["realtime", "cascade"]


async def test_what_is_said_while_the_modes_change_is_not_lost(
    connect: Connect, engines: list[ScriptedEngine]
) -> None:
    async with connect() as client:
        await client.start(mode="realtime")
        await client.send("text_input", text="be lost")
        await client.until("fallback_offered")
        await client.send("accept_fallback")
        await client.send("text_input", text="hello again")
        assert (await client.until("agent_response"))["text"] == "You said: hello again."


async def test_a_turn_at_hand_is_known_to_the_mode_that_takes_over(
    connect: Connect, engines: list[ScriptedEngine]
) -> None:
    async with connect() as client:
        await client.start(mode="realtime")
        await client.send("text_input", text="be lost")
        await client.until("fallback_offered")
        await client.send("text_input", text="hold this")
        await client.send("accept_fallback")
        await client.until("mode_changed")
        await client.in_step()
    assert "hold this" in [message.content for message in engines[1].spec.history]


async def test_a_realtime_turn_that_fails_is_a_reason_to_offer(
    connect: Connect, engines: list[ScriptedEngine]
) -> None:
    async with connect() as client:
        await client.start(mode="realtime")
        await client.send("text_input", text="hold this")
        await client.in_step()
        (asked,) = (o for o in engines[0].orders if isinstance(o, Respond))
        why = ("scripted", "provider_timeout", "It took too long.")
        engines[0].emit(StageFailed(asked.turn_id, "realtime", *why, retryable=True))
        offer = await client.until("fallback_offered")
    assert (offer["mode"], offer["code"]) == ("cascade", "provider_timeout")


async def test_an_offer_is_made_once_and_nothing_happens_where_there_is_none(
    connect: Connect, engines: list[ScriptedEngine]
) -> None:
    async with connect() as client:
        await client.start(mode="realtime")
        await client.send("accept_fallback")
        for _ in range(2):
            await client.send("text_input", text="be lost")
            await client.until("error")
        await client.in_step()
    assert client.types().count("fallback_offered") == 1
    assert len(engines) == 1


async def test_parleys_own_realtime_provider_is_not_offered_to_a_cascade(connect: Connect) -> None:
    async with connect() as client:
        await client.start()
        await client.send("text_input", text="fail")
        await client.until("error")
        await client.in_step()
    assert "fallback_offered" not in client.types()


async def test_a_provider_that_finds_the_turns_is_told_anew_how(
    connect: Connect, engines: list[ScriptedEngine]
) -> None:
    async with connect() as client:
        await client.start(mode="realtime", turn_detection={"kind": "server"})
        await says(client, "hello")
        await plays_out(client)
        await client.send("update_session", turn_detection={"kind": "manual"})
        await says(client, "hello again")
    assert [engine.spec.turns for engine in engines] == [
        EngineTurnDetection("server", language="en"),
        ManualTurnDetection(),
    ]
    assert [message.content for message in engines[1].spec.history][:1] == ["hello"]

"""A bug in a loop or a job of the realtime engine is logged by its type; nothing waits for ever."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from interaction.core.events import EngineLost, ToolInvoked
from interaction.core.types import ToolCall
from interaction.providers.realtime_protocol import ResponseDone
from interaction.realtime import engine as engine_module
from interaction.realtime.engine import RealtimeEngine
from interaction.realtime.response_matching import ResponseMatcher
from interaction.tests.cascade.caller import Caller
from interaction.tests.fakes.realtime_provider import ANSWER, GONE, FakeProvider, spec
from interaction.tests.realtime.test_lost_connections import nth

SECRET = "what somebody has said"
TOOL = ResponseDone((ToolCall("1", "current_time", "{}"),))


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> FakeProvider:
    fake = FakeProvider()
    fake.install(monkeypatch)
    return fake


def bug(*_: Any, **__: Any) -> Any:
    raise ZeroDivisionError(SECRET)


async def next_turn_is_answered(caller: Caller) -> None:
    _turn, reply = caller.type("Hello?")
    assert await caller.outcome(reply) == "answered"


async def test_while_an_order_is_sent_it_costs_the_turn(
    provider: FakeProvider, caplog: pytest.LogCaptureFixture
) -> None:
    provider.bugs = ["send_text"]
    async with provider.calling() as caller:
        turn, reply = caller.type("Hello.")
        failed = await caller.failure(turn)
        assert (failed.code, failed.reply_id) == ("engine_crashed", reply)
        await next_turn_is_answered(caller)
    assert len(provider.connections) == 2
    assert "ZeroDivisionError" in caplog.text


async def test_while_an_event_is_dealt_with_it_costs_the_turn(
    provider: FakeProvider, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with provider.calling() as caller:
        with monkeypatch.context() as broken:
            broken.setattr(RealtimeEngine, "_emit_audio", bug)
            turn, _reply = caller.type("Hello.")
            assert (await caller.failure(turn)).code == "engine_crashed"
        await next_turn_is_answered(caller)
    assert len(provider.connections) == 2
    assert "ZeroDivisionError" in caplog.text
    assert SECRET not in caplog.text


async def test_while_tools_run_it_costs_the_turn(
    provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider.plans = [(TOOL,), (TOOL,), ANSWER]
    async with provider.calling(tools=("current_time",)) as caller:
        with monkeypatch.context() as broken:
            broken.setattr("interaction.tools.tool_calls.invoke", bug)
            turn, _reply = caller.type("What time is it?")
            assert (await caller.failure(turn)).code == "engine_crashed"
        await next_turn_is_answered(caller)
        assert (await caller.until(ToolInvoked)).status == "succeeded"


async def test_events_that_end_without_an_error_cost_a_turn_and_do_not_spin(
    provider: FakeProvider, caplog: pytest.LogCaptureFixture
) -> None:
    provider.plans = [(None,)]
    async with provider.calling() as caller:
        turn, _reply = caller.type("Hello.")
        assert (await caller.failure(turn)).code == "engine_crashed"
        await next_turn_is_answered(caller)
    assert "EventsEnded" in caplog.text


@pytest.mark.parametrize(
    "where", ["orders", "provider events", "open", "tools", "response timeout"]
)
async def test_while_a_failure_is_dealt_with_it_costs_the_engine(
    provider: FakeProvider,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    where: str,
) -> None:
    provider.plans = [()]
    match where:
        case "orders":
            provider.bugs = ["send_text"]
        case "provider events":
            provider.plans = [(GONE,)]
        case "open":
            provider.error = GONE
        case "tools":
            provider.plans = [(TOOL,)]
            monkeypatch.setattr("interaction.tools.tool_calls.invoke", bug)
        case "response timeout":
            monkeypatch.setattr(engine_module, "RESPONSE_TIMEOUT", 0.0)
    monkeypatch.setattr(ResponseMatcher, "on_connection_lost", bug)
    async with asyncio.timeout(30), provider.calling(tools=("current_time",)) as caller:
        if where != "open":
            caller.type("Hello.")
        why = await caller.until(EngineLost)
        assert (why.code, why.retryable) == ("engine_crashed", False)
        # A turn that follows is not left waiting for a loop that has ended.
        caller.type("Are you there?")
        await nth(caller, EngineLost, 1)
    assert f"realtime engine: {where} crashed" in caplog.text
    assert "ZeroDivisionError" in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize("ends", ["raises", "never"])
async def test_a_connection_that_does_not_close_keeps_nobody_from_closing(
    provider: FakeProvider,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    ends: str,
) -> None:
    monkeypatch.setattr("interaction.realtime.provider_connection.CLOSE_WITHIN", 0.05)
    provider.never_closes = ends == "never"
    provider.bugs = ["aclose", "aclose"] if ends == "raises" else []
    async with asyncio.timeout(30), provider.calling() as caller:
        await next_turn_is_answered(caller)
        provider.connection.emit(GONE)
        await provider.connected(2)
        await next_turn_is_answered(caller)
    assert provider.bugs == []
    assert ("ZeroDivisionError" if ends == "raises" else "not closed") in caplog.text


async def test_closing_that_is_cancelled_leaves_no_connection_open(
    provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopping = asyncio.Event()

    async def never_ends(*_: Any) -> None:
        stopping.set()
        await asyncio.Event().wait()

    engine = RealtimeEngine(spec())
    await engine.open()
    await provider.connected(1)
    await engine._background.drain()
    with monkeypatch.context() as broken:
        broken.setattr(engine._background, "stop", never_ends)
        closing = asyncio.create_task(engine.close())
        await stopping.wait()
        closing.cancel()
        await asyncio.wait((closing,))
    assert engine._connection.current is None
    await engine._background.stop()

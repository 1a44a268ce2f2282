"""The provider is waited for only while it owes an event."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from interaction.core.types import Message, ToolCall
from interaction.providers.realtime_protocol import ResponseDone
from interaction.tests.fakes.realtime_provider import ANSWER, FakeConnection, FakeProvider

TOOL = ResponseDone((ToolCall("1", "current_time", "{}"),))


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> FakeProvider:
    fake = FakeProvider()
    fake.install(monkeypatch)
    return fake


async def test_not_after_a_reply_that_is_complete_before_the_tools_results_are_sent(
    provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_return = asyncio.Event()

    async def send_slowly(connection: FakeConnection, results: Sequence[Message]) -> None:
        connection.answer()
        await may_return.wait()

    monkeypatch.setattr(FakeConnection, "send_tool_results", send_slowly)
    provider.plans = [(TOOL,)]
    async with provider.calling(tools=("current_time",)) as caller:
        engine: Any = caller.engine
        _turn, reply = caller.type("What time is it?")
        assert await caller.outcome(reply) == "answered"
        may_return.set()
        await engine._background.drain()
        assert engine._response_timer is None


async def test_an_event_that_comes_with_the_timeout_keeps_the_connection(
    provider: FakeProvider,
) -> None:
    provider.plans = [()]
    async with provider.calling() as caller:
        engine: Any = caller.engine
        await provider.connected(1)
        await engine._background.drain()
        _turn, reply = caller.type("Hello.")
        engine._response_timed_out()
        for event in ANSWER:
            engine._on_provider_event(event)
        await engine._background.drain()
        assert await caller.outcome(reply) == "answered"
    assert len(provider.connections) == 1

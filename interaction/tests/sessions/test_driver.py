"""The driver of a conversation: what it hands on, and when."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from interaction.core.commands import CommitTurn, SendText
from interaction.core.config import ConversationConfig
from interaction.core.events import EngineEvent, MetricMeasured
from interaction.core.news import News, StatusChanged
from interaction.core.orders import DropTurn, EngineOrder, Respond
from interaction.core.records import TurnRecord
from interaction.sessions.driver import ConversationDriver


class SlowToOpen:
    """An engine that takes its time to open, and takes nothing before."""

    def __init__(self) -> None:
        self.may_open = asyncio.Event()
        self.has_taken = asyncio.Event()
        self.orders: asyncio.Queue[EngineOrder] = asyncio.Queue()
        self.closed_turns: list[TurnRecord] = []
        self.news: asyncio.Queue[EngineEvent] = asyncio.Queue()
        self.is_closed = False

    async def open(self) -> None:
        await self.may_open.wait()

    def execute(self, order: EngineOrder) -> None:
        assert self.may_open.is_set(), "an order before the engine was open"
        self.orders.put_nowait(order)

    async def wait_until_executed(self) -> None:
        await self.has_taken.wait()

    def archive_turn(self, record: TurnRecord) -> None:
        self.closed_turns.append(record)

    async def events(self) -> AsyncGenerator[EngineEvent, None]:
        while True:
            yield await self.news.get()

    async def close(self) -> None:
        self.is_closed = True


async def test_what_is_said_while_the_engine_opens_is_kept_in_order() -> None:
    engine, told = SlowToOpen(), list[News]()
    driver = ConversationDriver(ConversationConfig(), engine, told.append)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(driver.run())
        driver.feed_audio(b"\0" * 4_000)
        driver.submit(SendText("good morning"))
        await asyncio.sleep(0)
        assert not told
        engine.may_open.set()
        order = await engine.orders.get()
        assert isinstance(order, Respond)
        assert order.context[-1].content == "good morning"
        assert StatusChanged("responding") in told
        summary = await driver.stop("ended")
    assert summary.turns == 1
    assert [record.end_reason for record in engine.closed_turns] == ["client_left"]
    assert engine.is_closed


async def test_a_commit_waits_for_the_audio_before_it() -> None:
    engine, told = SlowToOpen(), list[News]()
    engine.may_open.set()
    engine.has_taken.set()
    driver = ConversationDriver(ConversationConfig(), engine, told.append)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(driver.run())
        driver.feed_audio(b"\0" * 64_000)
        driver.submit(CommitTurn())
        await driver.wait_until_consumed()
        assert [type(news).__name__ for news in told] == ["Failure"]
        await driver.stop("ended")


async def test_a_recording_waits_until_what_came_before_has_been_passed_on() -> None:
    engine = SlowToOpen()
    engine.may_open.set()
    driver = ConversationDriver(ConversationConfig(), engine, lambda news: None)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(driver.run())
        driver.feed_audio(b"\0" * 64_000)
        waiting = tasks.create_task(driver.wait_until_consumed())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(waiting), 0.2)
        engine.has_taken.set()
        await waiting
        await driver.stop("ended")


async def test_a_bug_in_an_event_ends_the_run_and_closes_the_engine() -> None:
    engine = SlowToOpen()
    engine.may_open.set()
    driver = ConversationDriver(ConversationConfig(), engine, lambda news: None)
    running = asyncio.create_task(driver.run())
    driver.submit(SendText("hello"))
    order = await engine.orders.get()
    assert not isinstance(order, DropTurn)
    engine.news.put_nowait(MetricMeasured(order.turn_id, "no such metric", "seven"))  # type: ignore[arg-type, union-attr]
    with pytest.raises(ExceptionGroup) as broken:
        await running
    assert broken.group_contains(TypeError)
    assert engine.is_closed

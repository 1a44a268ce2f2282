"""An engine that is closed leaves nothing behind, whenever that happens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from interaction.bus.hub import Hub, hub
from interaction.cascade.engine import CascadeEngine
from interaction.core.engine import Engine, SessionSpec
from interaction.realtime.engine import RealtimeEngine
from interaction.tests.cascade.caller import Caller
from interaction.tests.realtime.tones import tone
from interaction.tests.standins.openai_realtime import Plan, Standin
from interaction.turn_records.recorder import TurnRecorder

Session = Callable[..., SessionSpec]


@pytest.mark.parametrize("make", [RealtimeEngine, CascadeEngine])
async def test_an_engine_that_is_closed_while_it_opens_stays_closed(
    standin: Standin,
    archiving: None,
    session: Session,
    monkeypatch: pytest.MonkeyPatch,
    make: Callable[[SessionSpec], Engine],
) -> None:
    joining, may_join, join = asyncio.Event(), asyncio.Event(), Hub.join

    async def slowly(self: Hub, listener: Any) -> None:
        joining.set()
        await may_join.wait()
        await join(self, listener)

    monkeypatch.setattr(Hub, "join", slowly)
    before = asyncio.all_tasks()
    engine = make(session())
    opening = asyncio.create_task(engine.open())
    await joining.wait()
    await engine.close()
    may_join.set()
    await opening
    await engine.close()
    left = [task.get_coro().__qualname__ for task in asyncio.all_tasks() - before]  # type: ignore[union-attr]
    assert [name for name in left if not name.startswith("Redis")] == []
    assert not standin.connections
    assert not hub()._listeners


async def test_a_record_that_cannot_be_written_keeps_nobody_from_closing(
    standin: Standin, archiving: None, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def crash(*_: Any, **facts: Any) -> None:
        raise ValueError

    async with asyncio.timeout(20), Caller.calling(session(), RealtimeEngine) as caller:
        monkeypatch.setattr("interaction.turn_records.turn_notes.TurnNotes.write", crash)
        _turn, reply = caller.type("One")
        await caller.reply_to_its_end(reply)


async def test_an_archive_that_has_a_bug_keeps_nobody_from_closing(
    standin: Standin, redis_client: Any, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("interaction.realtime.engine.CLOSING_PATIENCE", 0.2)

    def crash() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("interaction.bus.watched_publisher.publisher", crash)
    async with asyncio.timeout(20), Caller.calling(session(), RealtimeEngine) as caller:
        for text in ("One", "Two"):
            turn, reply = caller.type(text)
            await caller.reply_to_its_end(reply)
            caller.close(turn, reply, kind="text")


async def test_a_recorder_that_has_a_bug_keeps_nobody_from_closing(
    standin: Standin, redis_client: Any, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def crash(_recorder: TurnRecorder) -> None:
        raise ZeroDivisionError

    async with asyncio.timeout(20), Caller.calling(session(), RealtimeEngine) as caller:
        _turn, reply = caller.type("One")
        await caller.reply_to_its_end(reply)
        monkeypatch.setattr(TurnRecorder, "wait_until_written", crash)
    assert not hub()._listeners


async def test_of_a_turn_that_is_over_nothing_stays_in_memory(
    standin: Standin, archiving: None, session: Session
) -> None:
    standin.plans = [Plan(calls=(("current_time", "{}"),)), Plan()]
    async with Caller.calling(session(tools=("current_time",)), RealtimeEngine) as caller:
        engine: Any = caller.engine
        turn = caller.open_turn(tone(0.5))
        reply = caller.end(turn)
        await caller.reply_to_its_end(reply)
        caller.close(turn, reply)
        assert not engine._recorder._turns
        assert not engine._background._jobs

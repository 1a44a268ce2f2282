"""An engine that is closed leaves nothing behind, whenever that happens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from interaction.cascade.engine import CascadeEngine
from interaction.cascade.hub import Hub, hub
from interaction.engine import Engine, SessionSpec
from interaction.realtime.engine import RealtimeEngine
from interaction.tests.standins.openai_realtime import Standin
from voiceproject.testing.stack import Worker

Session = Callable[..., SessionSpec]


@pytest.mark.parametrize("make", [RealtimeEngine, CascadeEngine])
async def test_an_engine_that_is_closed_while_it_opens_stays_closed(
    standin: Standin,
    worker: Worker,
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
    assert not standin.lines
    assert not hub()._listeners

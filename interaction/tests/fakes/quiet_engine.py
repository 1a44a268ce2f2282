"""An engine that opens at once, answers nothing and keeps what it gets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from interaction.core.events import EngineEvent
from interaction.core.orders import EngineOrder
from interaction.core.records import TurnRecord


class QuietEngine:
    """Implements ``interaction.core.engine.Engine``; a test overrides the methods that it needs."""

    def __init__(self) -> None:
        self.orders: list[EngineOrder] = []
        self.records: list[TurnRecord] = []
        self.pending: asyncio.Queue[EngineEvent] = asyncio.Queue()
        """Events to be reported, put there by the test."""
        self.is_closed = False
        self._new_orders: asyncio.Queue[EngineOrder] = asyncio.Queue()

    async def open(self) -> None:
        return

    def execute(self, order: EngineOrder) -> None:
        self.orders.append(order)
        self._new_orders.put_nowait(order)

    async def next_order(self) -> EngineOrder:
        """Wait for the next order that no call of this has returned."""
        return await self._new_orders.get()

    async def wait_until_executed(self) -> None:
        return

    def archive_turn(self, record: TurnRecord) -> None:
        self.records.append(record)

    async def events(self) -> AsyncGenerator[EngineEvent, None]:
        while True:
            yield await self.pending.get()

    async def close(self) -> None:
        self.is_closed = True

"""The orders that an engine has got and not yet executed, in order."""

from __future__ import annotations

import asyncio
from collections import deque

from interaction.core.orders import (
    DropTurn,
    EndTurn,
    FlushTurn,
    GiveFloor,
    NotePlayback,
    OpenTurn,
    Respond,
    SendAudio,
    TranscribeTurn,
)
from interaction.core.records import TurnRecord
from interaction.core.types import INPUT_SAMPLE_RATE

MOST_AUDIO = 30 * INPUT_SAMPLE_RATE * 2
"""Bytes that may wait while Redis is silent: half a minute."""

Order = (
    OpenTurn
    | GiveFloor
    | SendAudio
    | FlushTurn
    | EndTurn
    | TranscribeTurn
    | Respond
    | NotePlayback
    | DropTurn
    | TurnRecord
)


class OrderQueue:
    """Unbounded but for what keeps coming: of audio the oldest is dropped, and of one playback the
    latest note alone waits."""

    def __init__(self) -> None:
        self._orders: deque[Order] = deque()
        self._audio = 0
        """Bytes of audio that wait."""
        self._arrived = asyncio.Event()
        self._executed = asyncio.Event()
        self._executed.set()

    def enqueue(self, order: Order) -> SendAudio | None:
        """Add an order; return the audio that had to go for it, if any."""
        latest = self._orders[-1] if self._orders else None
        if isinstance(order, NotePlayback) and isinstance(latest, NotePlayback):
            self._orders.pop()  # only one reply is played at a time
        self._orders.append(order)
        self._arrived.set()
        self._executed.clear()
        if not isinstance(order, SendAudio):
            return None
        self._audio += len(order.pcm)
        return self._drop_oldest() if self._audio > MOST_AUDIO else None

    async def next_order(self) -> Order:
        """Wait for the next order. The one before counts as executed with this call."""
        while not self._orders:
            self._executed.set()
            self._arrived.clear()
            await self._arrived.wait()
        order = self._orders.popleft()
        if isinstance(order, SendAudio):
            self._audio -= len(order.pcm)
        return order

    async def wait_until_executed(self) -> None:
        """Wait until no order is left."""
        await self._executed.wait()

    def _drop_oldest(self) -> SendAudio:
        oldest = next(order for order in self._orders if isinstance(order, SendAudio))
        self._orders.remove(oldest)
        self._audio -= len(oldest.pcm)
        return oldest

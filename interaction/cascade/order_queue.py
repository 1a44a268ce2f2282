"""What a conversation asked of its engine and the engine has not yet done, in order."""

from __future__ import annotations

import asyncio
from collections import deque

from interaction.core.orders import (
    CancelReply,
    DropTurn,
    EndTurn,
    FlushTurn,
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
    | SendAudio
    | FlushTurn
    | EndTurn
    | TranscribeTurn
    | Respond
    | DropTurn
    | CancelReply
    | TurnRecord
)


class OrderQueue:
    """Unbounded but for audio, the only thing that keeps coming: of it, the oldest is dropped."""

    def __init__(self) -> None:
        self._orders: deque[Order] = deque()
        self._audio = 0
        self._arrived = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    def put(self, order: Order) -> SendAudio | None:
        """Add an order; return the audio that had to go for it, if any."""
        self._orders.append(order)
        self._arrived.set()
        self._idle.clear()
        if not isinstance(order, SendAudio):
            return None
        self._audio += len(order.pcm)
        return self._drop_oldest() if self._audio > MOST_AUDIO else None

    async def get(self) -> Order:
        """The next order. Asking for it says that the one before is done."""
        while not self._orders:
            self._idle.set()
            self._arrived.clear()
            await self._arrived.wait()
        order = self._orders.popleft()
        if isinstance(order, SendAudio):
            self._audio -= len(order.pcm)
        return order

    async def done(self) -> None:
        """Wait until everything is carried out."""
        await self._idle.wait()

    def _drop_oldest(self) -> SendAudio:
        oldest = next(order for order in self._orders if isinstance(order, SendAudio))
        self._orders.remove(oldest)
        self._audio -= len(oldest.pcm)
        return oldest

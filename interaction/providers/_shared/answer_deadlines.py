"""Deadlines for what a server sends: one for the first piece, one for each that follows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TypeVar

T = TypeVar("T")


class AnswerDeadlines:
    def __init__(self, first: float, stall: float) -> None:
        """Seconds until the first piece, from now, and from each piece to the next."""
        self._first_at = asyncio.get_running_loop().time() + first
        self._stall = stall
        self._started = False

    def next_piece(self) -> asyncio.Timeout:
        """The limit on waiting for the next piece; ``TimeoutError`` beyond it."""
        if self._started:
            return asyncio.timeout(self._stall)
        return asyncio.timeout_at(self._first_at)

    async def limit(self, pieces: AsyncIterator[T]) -> AsyncIterator[T]:
        """The same pieces; ``TimeoutError`` where one does not come in time."""
        while True:
            try:
                async with self.next_piece():
                    piece = await anext(pieces)
            except StopAsyncIteration:
                return
            self._started = True
            yield piece

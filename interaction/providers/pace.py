"""Deadlines for what a server sends: one for the first piece, one for each that follows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TypeVar

T = TypeVar("T")


class Pace:
    def __init__(self, first: float, stall: float) -> None:
        """Both in seconds; the first one runs from now."""
        self._first_at = asyncio.get_running_loop().time() + first
        self._stall = stall
        self._begun = False

    def next(self) -> asyncio.Timeout:
        """The limit on waiting for the next piece; ``TimeoutError`` beyond it."""
        return asyncio.timeout(self._stall) if self._begun else asyncio.timeout_at(self._first_at)

    async def over(self, pieces: AsyncIterator[T]) -> AsyncIterator[T]:
        while True:
            try:
                async with self.next():
                    piece = await anext(pieces)
            except StopAsyncIteration:
                return
            self._begun = True
            yield piece

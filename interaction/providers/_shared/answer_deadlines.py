"""Deadlines for what a server sends: one for the first piece, one for each that follows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TypeVar

T = TypeVar("T")

REPORTED_EVERY = 0.5
"""Seconds without output after which it is told that the server is at work."""


class AnswerDeadlines:
    def __init__(self, first: float, stall: float) -> None:
        """Seconds until the first piece, from now, and from each piece to the next."""
        self._first_at = asyncio.get_running_loop().time() + first
        self._stall = stall
        self._started = False
        self._now = asyncio.get_running_loop().time
        self._reported_at = self._now()

    def on_output(self) -> None:
        """There is something to pass on."""
        self._reported_at = self._now()

    def must_report_work(self) -> bool:
        """The server has sent something without output, and nothing was passed on for a while."""
        due = self._now() - self._reported_at >= REPORTED_EVERY
        if due:
            self._reported_at = self._now()
        return due

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

"""Brings the engine's orders to the line, one after the other.

A turn whose line breaks while the person still speaks is said again to the next one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from interaction.core.config import TurnDetection
from interaction.core.orders import (
    CancelReply,
    DropTurn,
    EndTurn,
    EngineOrder,
    OpenTurn,
    Respond,
    SendAudio,
    StreamAudio,
)
from interaction.core.turn_taking.engine_detected import EngineTurnDetection
from interaction.core.types import INPUT_SAMPLE_RATE
from interaction.providers.base import RealtimeLine
from interaction.realtime.provider_connection import ProviderConnection

LONGER_MS = 1_000
"""Beyond the silence that ends a turn."""


def are_ours(turns: TurnDetection) -> bool:
    """Whether the provider is told where turns begin and end."""
    return not turns.engine_detects_turns


class OrderSender:
    def __init__(
        self,
        line: ProviderConnection,
        turns: TurnDetection,
        failed: Callable[[Exception, RealtimeLine | None], None],
    ) -> None:
        """``failed`` is told what carrying out an order has raised, and which line it was for:
        None where there was none to be had."""
        self._line = line
        self._ours = are_ours(turns)
        silence_ms = turns.silence_ms if isinstance(turns, EngineTurnDetection) else 0
        self._silence = bytes(2 * INPUT_SAMPLE_RATE * (silence_ms + LONGER_MS) // 1000)
        self._failed = failed
        self._queue: asyncio.Queue[EngineOrder] = asyncio.Queue()
        self._audio: list[bytes] = []
        """Of the turn that is open."""
        self._told: RealtimeLine | None = None
        """The line that has all of it."""
        self._used: RealtimeLine | None = None
        """The line that the order at hand is for."""

    def put(self, order: EngineOrder) -> None:
        self._queue.put_nowait(order)

    def fall_silent(self) -> None:
        """Have the provider find the end of a turn that was ended here: by mute, say."""
        self._queue.put_nowait(StreamAudio(self._silence))

    async def work(self) -> None:
        while True:
            order = await self._queue.get()
            self._used = self._line.current
            try:
                await self._carry_out(order)
            except Exception as error:
                self._failed(error, self._used)

    async def _ready(self) -> RealtimeLine:
        self._used = None
        self._used = await self._line.ready()
        return self._used

    async def _carry_out(self, order: EngineOrder) -> None:
        match order:
            case Respond(context=context):
                line = await self._ready()
                await line.say(context[-1].content if context else "")
            case CancelReply(heard_ms=heard_ms):
                if self._line.is_open:
                    await self._line.now.stop(heard_ms)
            case StreamAudio(pcm):
                if self._line.is_open or not self._line.pauses:
                    line = await self._ready()
                    await line.hear(pcm)
            case DropTurn() if not self._ours:
                if self._line.is_open:
                    await self._line.now.forget()
            case _ if self._ours:
                await self._carry_out_ours(order)

    async def _carry_out_ours(self, order: EngineOrder) -> None:
        match order:
            case OpenTurn():
                self._audio, self._told = [], None
                await self._tell_turn(await self._ready())
            case SendAudio(pcm=pcm):
                self._audio.append(pcm)
                if self._line.is_open and self._line.now is self._told:
                    await self._told.hear(pcm)
                elif self._line.is_open:
                    await self._tell_turn(self._line.now)
            case EndTurn():
                line = await self._ready()
                await self._tell_turn(line)
                self._audio, self._told = [], None
                await line.end()
            case DropTurn():
                told, self._audio, self._told = self._told, [], None
                if told and self._line.is_open and self._line.now is told:
                    await told.forget()

    async def _tell_turn(self, line: RealtimeLine) -> None:
        """All of the turn so far, where the line does not know of it."""
        if self._told is line:
            return
        await line.begin()
        for pcm in self._audio:
            await line.hear(pcm)
        self._told = line

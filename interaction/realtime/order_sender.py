"""Sends the engine's orders to the provider, one after the other.

A turn whose connection breaks while the person still speaks is sent again over the next one.
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
from interaction.providers.realtime_protocol import RealtimeConnection
from interaction.realtime.provider_connection import ProviderConnection

EXTRA_SILENCE_MS = 1_000
"""Silence that is sent beyond what ends a turn."""


def conversation_detects_turns(turns: TurnDetection) -> bool:
    """Whether the provider is told where turns begin and end."""
    return not turns.engine_detects_turns


class OrderSender:
    def __init__(
        self,
        connection: ProviderConnection,
        turns: TurnDetection,
        on_failure: Callable[[Exception, RealtimeConnection | None], None],
    ) -> None:
        """``on_failure`` gets what carrying out an order has raised, and the connection that it was
        sent over: None where none could be opened."""
        self._connection = connection
        self._conversation_detects_turns = conversation_detects_turns(turns)
        silence_ms = turns.silence_ms if isinstance(turns, EngineTurnDetection) else 0
        self._silence = bytes(2 * INPUT_SAMPLE_RATE * (silence_ms + EXTRA_SILENCE_MS) // 1000)
        self._on_failure = on_failure
        self._queue: asyncio.Queue[EngineOrder] = asyncio.Queue()
        self._audio: list[bytes] = []
        """Audio of the open turn so far."""
        self._synced: RealtimeConnection | None = None
        """The connection that has been sent all of it."""
        self._target: RealtimeConnection | None = None
        """The connection that the order at hand goes over."""

    def enqueue(self, order: EngineOrder) -> None:
        self._queue.put_nowait(order)

    def send_silence(self) -> None:
        """Have a provider that detects turns find the end of one that was ended here (by mute)."""
        self._queue.put_nowait(StreamAudio(self._silence))

    async def send_next(self) -> None:
        """Wait for the next order and send it."""
        order = await self._queue.get()
        self._target = self._connection.current
        try:
            await self._send(order)
        except Exception as error:
            self._on_failure(error, self._target)

    async def _ensure_open(self) -> RealtimeConnection:
        self._target = None
        self._target = await self._connection.ensure_open()
        return self._target

    async def _send(self, order: EngineOrder) -> None:
        match order:
            case Respond(context=context):
                connection = await self._ensure_open()
                await connection.send_text(context[-1].content if context else "")
            case CancelReply(heard_ms=heard_ms):
                if current := self._connection.current:
                    await current.cancel_reply(heard_ms)
            case StreamAudio(pcm):
                if self._connection.current or not self._connection.is_backing_off:
                    connection = await self._ensure_open()
                    await connection.feed_audio(pcm)
            case DropTurn() if not self._conversation_detects_turns:
                if current := self._connection.current:
                    await current.discard_turn()
            case _ if self._conversation_detects_turns:
                await self._send_turn(order)

    async def _send_turn(self, order: EngineOrder) -> None:
        """An order of a turn whose beginning and end the provider is told."""
        match order:
            case OpenTurn():
                self._audio, self._synced = [], None
                await self._sync_turn(await self._ensure_open())
            case SendAudio(pcm=pcm):
                self._audio.append(pcm)
                if current := self._connection.current:
                    if current is self._synced:
                        await current.feed_audio(pcm)
                    else:
                        await self._sync_turn(current)
            case EndTurn():
                connection = await self._ensure_open()
                await self._sync_turn(connection)
                self._audio, self._synced = [], None
                await connection.commit_turn()
            case DropTurn():
                synced, self._audio, self._synced = self._synced, [], None
                if synced and synced is self._connection.current:
                    await synced.discard_turn()

    async def _sync_turn(self, connection: RealtimeConnection) -> None:
        """Send all of the turn so far, unless the connection has it."""
        if self._synced is connection:
            return
        await connection.start_turn()
        for pcm in self._audio:
            await connection.feed_audio(pcm)
        self._synced = connection

"""A Gemini connection that cannot be set up leaves no socket open."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from interaction.core.types import Message
from interaction.providers.config import ProviderConfig
from interaction.providers.gemini.realtime import RealtimeModel
from interaction.providers.gemini.realtime_socket import LiveSocket
from interaction.providers.realtime_protocol import RealtimeSessionConfig

SESSION = RealtimeSessionConfig("Be brief.", history=(Message("user", "Hi"),))


class FakeSocket:
    def __init__(self) -> None:
        self.sending = asyncio.Event()
        self.closed = False

    async def send(self, send: Any) -> None:
        self.sending.set()
        await asyncio.Event().wait()

    async def aclose(self) -> None:
        self.closed = True


async def test_a_session_that_is_cancelled_while_its_history_is_sent_closes_its_socket(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    socket = FakeSocket()

    async def open_socket(*_: Any) -> FakeSocket:
        return socket

    monkeypatch.setattr(LiveSocket, "open", open_socket)
    model = RealtimeModel(ProviderConfig("gemini", "gemini-live", api_key="key"))
    opening = asyncio.create_task(model.open(SESSION))
    await socket.sending.wait()
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    assert socket.closed
    await model.aclose()

"""A connection to a realtime provider that is closed while its network stalls."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from interaction.providers.config import ProviderConfig
from interaction.providers.errors import ProviderError
from interaction.providers.openai import realtime as openai_realtime
from interaction.providers.realtime_protocol import RealtimeConnection, RealtimeSessionConfig
from interaction.tests.standins.openai_realtime import Standin

MORE_THAN_IS_BUFFERED = "x" * 20_000_000


async def close_while_sending(connection: RealtimeConnection) -> None:
    sending = asyncio.create_task(connection.send_text(MORE_THAN_IS_BUFFERED))
    await asyncio.wait((sending,), timeout=0.5)
    assert not sending.done()
    await connection.aclose()
    async with asyncio.timeout(5):
        with contextlib.suppress(ProviderError):
            await sending


async def test_a_line_of_openais_that_is_closed_sends_nothing_any_more(
    standin: Standin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openai_realtime, "CLOSES_WITHIN", 0.1)
    config = ProviderConfig("openai", "gpt-realtime-2.1", base_url=standin.url, api_key="key")
    model = openai_realtime.RealtimeModel(config)
    connection = await model.open(RealtimeSessionConfig("Be brief."))
    with standin.stalled():
        await close_while_sending(connection)
    await model.aclose()

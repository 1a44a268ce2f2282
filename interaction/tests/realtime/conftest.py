from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from django.conf import settings
from django.test import override_settings
from pydantic import SecretStr
from redis import Redis

from interaction.bus.publisher import publisher
from interaction.core.engine import SessionSpec
from interaction.core.types import ProviderSelection
from interaction.tests.fakes.archiving_publisher import ArchivingPublisher
from interaction.tests.standins import gemini_live
from interaction.tests.standins.openai_realtime import Standin


@pytest_asyncio.fixture
async def standin() -> AsyncIterator[Standin]:
    async with Standin().serving() as server:
        env = settings.ENV.model_copy(
            update={"openai_base_url": server.url, "openai_realtime_model": "gpt-realtime-2.1"}
        )
        with override_settings(ENV=env):
            yield server


@pytest_asyncio.fixture
async def gemini(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[gemini_live.Standin]:
    async with gemini_live.Standin(tmp_path).serving() as server:
        monkeypatch.setenv("SSL_CERT_FILE", str(server.trusted))
        key = SecretStr("g-key")
        env = settings.ENV.model_copy(update={"gemini_base_url": server.url, "gemini_api_key": key})
        with override_settings(ENV=env):
            yield server


@pytest_asyncio.fixture
async def archiving(redis_client: Redis, transactional_db: None) -> AsyncIterator[None]:
    """Closed turns become rows in this process: no worker runs."""
    path = f"{ArchivingPublisher.__module__}.{ArchivingPublisher.__qualname__}"
    with override_settings(PARLEY_PUBLISHER=path):
        archive = publisher()
        assert isinstance(archive, ArchivingPublisher)
        await archive.start()
        yield
        await archive.stop()


@pytest.fixture
def session(opened: Callable[[SessionSpec], SessionSpec]) -> Callable[..., SessionSpec]:
    """``session(**changes)``: a session that is in the database, and what an engine knows of it."""

    def make(**changes: Any) -> SessionSpec:
        fields: dict[str, Any] = {
            "session_id": uuid4(),
            "owner_id": 0,
            "mode": "realtime",
            "realtime": ProviderSelection("openai", voice="coral", language="en"),
            "stt": (ProviderSelection("pocketsphinx"),),
            "llm": (ProviderSelection("echo"),),
            "tts": (ProviderSelection("espeak"),),
            "system_prompt": "Be brief.",
        }
        return opened(SessionSpec(**fields | changes))

    return make

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import override_settings
from pydantic import SecretStr

from interaction.core.engine import SessionSpec
from interaction.core.types import ProviderSelection
from interaction.models import Session
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


@pytest.fixture
def session(transactional_db: None) -> Callable[..., SessionSpec]:
    """``session(**changes)``: a session that is in the database, and what an engine knows of it."""

    def make(**changes: Any) -> SessionSpec:
        fields: dict[str, Any] = {
            "session_id": uuid4(),
            "mode": "realtime",
            "realtime": ProviderSelection("openai", voice="coral", language="en"),
            "stt": (ProviderSelection("pocketsphinx"),),
            "llm": (ProviderSelection("echo"),),
            "tts": (ProviderSelection("espeak"),),
            "system_prompt": "Be brief.",
        }
        owner, _ = get_user_model().objects.get_or_create(username="caller")
        made = SessionSpec(**{**fields, "owner_id": owner.pk, **changes})
        Session.objects.create(
            pk=made.session_id,
            owner=owner,
            mode="realtime",
            recording=made.recording,
            status=Session.Status.ACTIVE,
        )
        return made

    return make

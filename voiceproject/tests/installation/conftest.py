from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from interaction.bus import redis_keys
from voiceproject import redis_server
from voiceproject.testing.calling import Caller
from voiceproject.testing.installation import Install, Installation
from voiceproject.testing.stack import Providers

FIRST_USER = 1
"""The id of the owner."""


@pytest.fixture(scope="session")
def parley(tmp_path_factory: pytest.TempPathFactory, install: Install) -> Iterator[Installation]:
    """A whole installation on its local engines, as ``make run`` leaves it."""
    with install(tmp_path_factory.mktemp("whole")) as installation:
        installation.wait_until_ready()
        yield installation


@pytest.fixture(scope="session")
def _connected(
    tmp_path_factory: pytest.TempPathFactory, _standin: Providers, install: Install
) -> Iterator[Installation]:
    local = {"PARLEY_STT": "pocketsphinx", "PARLEY_LLM": "echo", "PARLEY_TTS": "espeak"}
    openai = {"OPENAI_BASE_URL": _standin.url, "OPENAI_API_KEY": "a key"}
    with install(tmp_path_factory.mktemp("connected"), **local, **openai) as installation:
        installation.wait_until_ready()
        yield installation


@pytest.fixture
def connected(_connected: Installation) -> Installation:
    """An installation that echoes on its local engines and knows the stand-in as ``openai``.

    Tests kill its parts and have its providers fail: it is whole again when a test gets it, and
    knows nothing of failures.
    """
    _connected.wait_until_ready()
    socket = str(redis_server.socket_path(_connected.data_dir))
    with redis.Redis(unix_socket_path=socket) as client:
        for key in client.scan_iter(redis_keys.provider_health(FIRST_USER, "*")):
            client.delete(key)
    return _connected


@pytest.fixture
def caller(connected: Installation) -> Caller:
    """Somebody with a token of it."""
    return Caller(connected, connected.token)

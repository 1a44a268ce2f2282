from __future__ import annotations

from collections.abc import Callable

import pytest

from interaction.tests.edges.openai.client import Client


@pytest.fixture
def connect(token: str) -> Callable[..., Client]:
    """``async with connect("model=default") as client``: a program's socket, let in."""
    return lambda query="": Client(query, authorization=f"Bearer {token}")

from __future__ import annotations

import pytest
from django.test import Client


@pytest.fixture
def at_home(at_home: Client, redis_url: str) -> Client:
    """What is changed there is announced over Redis."""
    return at_home

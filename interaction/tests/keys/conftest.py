from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client


@pytest.fixture
def owner(db: None) -> User:
    return User.objects.create_user("owner")


@pytest.fixture
def stranger(db: None) -> User:
    return User.objects.create_user("stranger")


@pytest.fixture
def at_home(client: Client, owner: User, redis_url: str) -> Client:
    """The owner's browser."""
    client.force_login(owner)
    return client

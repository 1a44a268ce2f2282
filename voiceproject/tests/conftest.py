from __future__ import annotations

from functools import cache

import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User

hashed = cache(make_password)
"""A hash is made slowly, on purpose."""


@pytest.fixture
def owner(owner: User) -> User:
    """As on an installation: a superuser, who has set a password here."""
    owner.is_staff = owner.is_superuser = True
    owner.password = hashed("a good long password")
    owner.save()
    return owner

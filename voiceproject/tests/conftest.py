from __future__ import annotations

import pytest
from django.contrib.auth.models import User


@pytest.fixture
def owner(owner: User) -> User:
    """As on an installation: a superuser, who has set a password here."""
    owner.is_staff = owner.is_superuser = True
    owner.set_password("a good long password")
    owner.save()
    return owner

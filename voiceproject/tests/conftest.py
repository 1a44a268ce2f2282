from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model


@pytest.fixture
def owner(db: None) -> Any:
    return get_user_model().objects.create_superuser("owner", password="a good long password")

from __future__ import annotations

from collections.abc import Callable

import pytest

from interaction.core.engine import SessionSpec
from interaction.tests.cascade.caller import spec


@pytest.fixture
def session(opened: Callable[[SessionSpec], SessionSpec]) -> Callable[..., SessionSpec]:
    """``session(**changes)``: a session that is in the database, and what an engine knows of it."""
    return lambda **changes: opened(spec(**changes))

from __future__ import annotations

from collections.abc import Iterator

import pytest

from voiceproject.testing.installation import Installation


@pytest.fixture(scope="package")
def parley(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A whole installation on its local engines, as ``make run`` leaves it."""
    with Installation(tmp_path_factory.mktemp("whole")) as installation:
        installation.wait_until_ready()
        yield installation

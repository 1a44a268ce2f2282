"""How the tests are spread over the workers of xdist.

A file is one worker's, and so are those files that share an installation, since each worker that
takes one of them would start its own.
"""

from __future__ import annotations

import pytest
from xdist.scheduler import LoadScopeScheduling

INSTALLATION = "voiceproject/tests/installation"
TOGETHER = {
    "a voice": ("test_talking", "test_heard", "test_realtime", "test_openai_clients", "test_keys"),
    "a page": (
        "test_page",
        "test_accessibility",
        "test_realtime_page",
        "test_hearing",
        "test_taking_away",
        "test_sound",
    ),
    "a caller": (
        "test_resilience",
        "test_dependable",
        "test_load",
        "test_orchestrator",
        "test_choices",
    ),
}
"""Files of ``INSTALLATION`` that share an installation, hence a worker. A run takes at least as
long as the longest of these chains."""
_GROUPS = {
    f"{INSTALLATION}/{name}.py": group for group, names in TOGETHER.items() for name in names
}
_DEAREST = ("installation", "worker", "process", "browser", "redis", "db", "unit")


class SharedInstallations(LoadScopeScheduling):  # type: ignore[misc]
    """``--dist loadfile``, but for ``TOGETHER``."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return _GROUPS.get(file, file)


def dearest_first(items: list[pytest.Item]) -> None:
    """What waits for other processes comes first: what needs none fills up the end.

    A file's tests stay together, in their order.
    """
    ranks: dict[str, int] = {}
    for item in items:
        file = _file(item)
        ranks[file] = min(_rank(item), ranks.get(file, len(_DEAREST)))
    items.sort(key=lambda item: ranks[_file(item)])


def _file(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]


def _rank(item: pytest.Item) -> int:
    return min(_DEAREST.index(mark.name) for mark in item.iter_markers() if mark.name in _DEAREST)

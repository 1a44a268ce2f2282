"""Arrows point one way: the graph of the packages, read off the source."""

from __future__ import annotations

import itertools
from graphlib import CycleError, TopologicalSorter

import pytest

from voiceproject.environment import BASE_DIR
from voiceproject.testing.package_graph import (
    imported_modules,
    importers,
    mermaid,
    package_graph,
    source_files,
)

pytestmark = pytest.mark.uncounted  # runs no code of the product, and parses all of it

LAYERS = (
    {"core", "encryption", "error_explanations", "safe_logging", "ui_strings"},
    {"audio", "tools", "models"},
    {"providers", "bus"},
    {"credentials", "provider_calls", "turn_records"},
    {"cascade", "realtime", "sessions"},
    {"edges"},
    {"api"},
    {"pages"},
    {"history"},
    {"voiceproject"},
)
"""From the bottom up. A package imports from layers below its own, never from its own or above."""

FRAMEWORKS = {"django", "channels", "celery", "ninja", "voiceproject", "history"}
FORBIDDEN = {
    "interaction/core": FRAMEWORKS | {"redis", "asyncio", "interaction.models"},
    "interaction/providers": FRAMEWORKS | {"redis", "interaction.models"},
    "interaction": {"history", "voiceproject"},
    "interaction/cascade": {"interaction.realtime"},
    "interaction/realtime": {"interaction.cascade"},
}


def test_the_packages_have_no_cycle() -> None:
    try:
        TopologicalSorter(package_graph()).prepare()
    except CycleError as error:
        ring = error.args[1]
        because = [importers(b, a) for a, b in itertools.pairwise(ring)]
        pytest.fail(f"{' <- '.join(ring)}, because of {because}")


def test_no_arrow_points_up() -> None:
    level = {package: number for number, layer in enumerate(LAYERS) for package in layer}
    graph = package_graph()
    assert graph.keys() <= level.keys(), "a new package needs its place among the layers"
    upwards = [
        f"{package} -> {target}: {importers(package, target)}"
        for package, targets in graph.items()
        for target in targets
        if level[target] >= level[package]
    ]
    assert upwards == []


@pytest.mark.parametrize("folder", FORBIDDEN)
def test_a_package_imports_nothing_that_it_must_not_know(folder: str) -> None:
    offences = [
        f"{path.relative_to(BASE_DIR)} imports {module}"
        for path in source_files(BASE_DIR / folder)
        for module in imported_modules(path)
        if any(module == name or module.startswith(f"{name}.") for name in FORBIDDEN[folder])
    ]
    assert offences == []


def test_the_picture_in_the_documentation_is_fresh() -> None:
    picture = mermaid(package_graph())
    assert picture in (BASE_DIR / "docs/architecture.md").read_text(), (
        "put what `python -m voiceproject.testing.package_graph` prints into docs/architecture.md"
    )


def test_every_package_is_on_the_map_of_the_documentation() -> None:
    text = (BASE_DIR / "docs/architecture.md").read_text()
    folders = {
        path.relative_to(BASE_DIR).as_posix()
        for path in (BASE_DIR / "interaction").iterdir()
        if path.is_dir() and path.name not in ("tests", "__pycache__", "migrations")
    }
    assert [folder for folder in sorted(folders) if f"`{folder}/" not in text] == []

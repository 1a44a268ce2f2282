"""Arrows point one way: read off the source, without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from voiceproject.environment import BASE_DIR

FRAMEWORKS = {"django", "channels", "celery", "ninja", "voiceproject", "history"}
RULES = {
    "interaction/core": FRAMEWORKS | {"redis", "asyncio", "interaction.models"},
    "interaction/providers": FRAMEWORKS | {"redis", "interaction.models"},
    "interaction": {"history"},
}


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Import():
                yield from (name.name for name in node.names)
            case ast.ImportFrom(module=str(module), level=0):
                yield from (f"{module}.{name.name}" for name in node.names)
            case ast.ImportFrom(level=level) if level:
                pytest.fail(f"{path}:{node.lineno}: imports are absolute")


@pytest.mark.parametrize("package", RULES)
def test_a_package_imports_nothing_that_it_must_not_know(package: str) -> None:
    offences = [
        f"{path.relative_to(BASE_DIR)} imports {name}"
        for path in (BASE_DIR / package).rglob("*.py")
        if "tests" not in path.parts
        for name in imports(path)
        if any(name == root or name.startswith(f"{root}.") for root in RULES[package])
    ]
    assert offences == []


def test_the_core_knows_no_other_part_of_the_application() -> None:
    offences = [
        f"{path.name} imports {name}"
        for path in (BASE_DIR / "interaction/core").glob("*.py")
        for name in imports(path)
        if name.startswith("interaction.") and not name.startswith("interaction.core.")
    ]
    assert offences == []

"""The graph of the packages: who imports whom, read off the source without running it.

``python -m voiceproject.testing.package_graph`` prints it as the Mermaid picture that stands in
docs/architecture.md.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
APPS = ("interaction", "history", "voiceproject")
PAGES = "pages"
"""The modules of ``interaction`` that render or administer and stand in no package of their own."""
PAGE_MODULES = frozenset(
    {"admin", "better_ears", "management", "openers", "talk", "urls", "views", "voice_page"}
)
Graph = dict[str, set[str]]
"""Package to the packages that it imports."""


@cache
def imported_modules(path: Path) -> tuple[str, ...]:
    """Dotted names of what a file imports, ``from a import b`` as ``a.b``. Relative imports raise
    ``ValueError``: they are not used here."""
    return tuple(_imported_modules(path))


def _imported_modules(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Import():
                yield from (alias.name for alias in node.names)
            case ast.ImportFrom(module=str(module), level=0):
                yield from (f"{module}.{alias.name}" for alias in node.names)
            case ast.ImportFrom():
                raise ValueError(f"{path}:{node.lineno}: imports are absolute here")


def source_files(folder: Path) -> Iterator[Path]:
    """Production files: no tests, no migrations, nothing that serves tests alone."""
    for path in sorted(folder.rglob("*.py")):
        if not {"tests", "testing", "migrations"} & set(path.relative_to(ROOT).parts):
            yield path


def package_of(module: str) -> str | None:
    """``core`` for ``interaction.core.turn``; ``history``; None for what is not ours."""
    app, *inner = module.removesuffix(".__init__").split(".")
    if app not in APPS:
        return None
    if app != "interaction" or not inner:
        return app
    return PAGES if inner[0] in PAGE_MODULES else inner[0]


def package_graph() -> Graph:
    graph: Graph = {}
    for app in APPS:
        for path in source_files(ROOT / app):
            own = package_of(".".join(path.relative_to(ROOT).with_suffix("").parts))
            assert own is not None
            imported = {package_of(module) for module in imported_modules(path)}
            graph.setdefault(own, set()).update(p for p in imported if p not in (None, own))
    graph.pop("interaction", None)
    return {package: targets - {"interaction"} for package, targets in graph.items()}


def importers(source: str, target: str) -> list[str]:
    """The files because of which there is an arrow from one package to another."""
    found = []
    for app in APPS:
        for path in source_files(ROOT / app):
            name = path.relative_to(ROOT)
            if package_of(".".join(name.with_suffix("").parts)) == source and any(
                package_of(module) == target for module in imported_modules(path)
            ):
                found.append(str(name))
    return found


def without_shortcuts(graph: Mapping[str, set[str]]) -> Graph:
    """The same order with fewer arrows: none that a longer way implies."""
    below: Graph = {}
    for package in TopologicalSorter(graph).static_order():
        targets = graph.get(package, set())
        below[package] = targets.union(*(below[target] for target in targets))
    return {
        package: {t for t in targets if not any(t in below[other] for other in targets - {t})}
        for package, targets in graph.items()
    }


def mermaid(graph: Mapping[str, set[str]]) -> str:
    """The picture for the documentation: an arrow points from a package to one that it imports."""
    arrows = [
        f"    {package} --> {target}"
        for package, targets in sorted(without_shortcuts(graph).items())
        for target in sorted(targets)
    ]
    return "\n".join(["```mermaid", "graph TD", *arrows, "```"])


if __name__ == "__main__":
    print(mermaid(package_graph()))  # noqa: T201

"""The documents name files that there are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from voiceproject.environment import BASE_DIR

DOCUMENTS = sorted([*BASE_DIR.glob("*.md"), *(BASE_DIR / "docs").glob("*.md")])
TO_BE_MADE = re.compile(
    r"interaction/(providers/beep/|tools/dice\.py|tests/.*/test_(beep|dice)\.py)"
)
"""Files that the reader of an example makes."""
FOLDERS = (
    "docs",
    "history",
    "interaction",
    "static",
    "templates",
    "voiceproject",
    ".ci",
    ".github",
)
CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")


def named_paths(document: Path) -> Iterator[Path]:
    """Paths that links and code spans of the document name."""
    text = document.read_text()
    for target in LINK.findall(text):
        if "://" not in target:
            yield document.parent / target
    for word in CODE.findall(text):
        if word.startswith(tuple(f"{folder}/" for folder in FOLDERS)):
            yield BASE_DIR / word


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_file_that_a_document_names_is_there(document: Path) -> None:
    lost = [
        str(path)
        for path in named_paths(document)
        if not any(BASE_DIR.glob(str(path.resolve().relative_to(BASE_DIR))))
        and not TO_BE_MADE.search(path.as_posix())
    ]
    assert lost == []


def test_the_commands_that_documents_name_are_there() -> None:
    text = "\n".join(document.read_text() for document in DOCUMENTS)
    makefile = (BASE_DIR / "Makefile").read_text()
    own = {path.stem for path in BASE_DIR.glob("*/management/commands/[a-z]*.py")}
    djangos = {"changepassword", "check", "createsuperuser", "migrate"}
    assert set(re.findall(r"manage\.py\s+([a-z]\w*)", text)) <= own | djangos
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.M))
    assert set(re.findall(r"^make ([a-z-]+)|`make ([a-z-]+)", text, re.M)) <= {
        pair for target in targets for pair in ((target, ""), ("", target))
    }

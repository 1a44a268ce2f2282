"""The page's scripts that need no page: Node runs their tests."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from voiceproject.testing.plugin import program

TESTS = sorted(Path(__file__).parent.glob("*.test.mjs"))


@pytest.mark.parametrize("test", TESTS, ids=lambda path: path.name)
def test_script(test: Path, processes: None) -> None:
    run = subprocess.run([program("node"), "--test", test], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout

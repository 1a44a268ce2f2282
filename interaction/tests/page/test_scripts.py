"""The pages' scripts that need no page: Node runs their tests."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from voiceproject.environment import BASE_DIR
from voiceproject.testing.plugin import program

TESTS = sorted(BASE_DIR.glob("*/tests/page/*.test.mjs"))


@pytest.mark.parametrize("test", TESTS, ids=lambda path: path.name)
def test_script(test: Path, processes: None) -> None:
    run = subprocess.run([program("node"), "--test", test], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout

"""docs/tools.md, followed word for word, yields a tool that works."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from voiceproject.environment import BASE_DIR

LEFT_OUT = shutil.ignore_patterns(".*", "data", "__pycache__", "node_modules", "*.sqlite3*")


def test_the_worked_example_is_a_tool(tmp_path: Path) -> None:
    text = (BASE_DIR / "docs" / "tools.md").read_text()
    tool, line, test = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    copy = tmp_path / "parley"
    shutil.copytree(BASE_DIR, copy, ignore=LEFT_OUT)
    (copy / "interaction/tools/dice.py").write_text(tool)
    (copy / "interaction/tests/tools/test_dice.py").write_text(test)
    registry = copy / "interaction/tools/registry.py"
    head, tail = registry.read_text().split('    "end_session": ToolEntry(', 1)
    registry.write_text(f'{head}{line}    "end_session": ToolEntry({tail}')

    tests = ["interaction/tests/tools/test_dice.py", "interaction/tests/tools/test_invoke.py"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *tests],
        cwd=copy,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr

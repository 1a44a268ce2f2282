from __future__ import annotations

import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from interaction.audio import wav


@pytest.fixture(scope="session")
def spoken(tmp_path_factory: pytest.TempPathFactory, processes: None) -> Callable[[str], wav.Sound]:
    """``spoken(text)``: the text in flite's slt voice, 16 kHz."""
    folder: Path = tmp_path_factory.mktemp("spoken")

    @cache
    def speak(text: str) -> wav.Sound:
        path = folder / f"{abs(hash(text))}.wav"
        subprocess.run(["flite", "-voice", "slt", "-t", text, "-o", path], check=True)
        with path.open("rb") as file:
            return wav.read(file, max_seconds=60)

    return speak

"""Whether the package is here, and whether its model is the one that was tried."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from interaction.providers.declaration import MissingRequirement

MODEL_SHA256 = "5f70741d4e900f4e85d0037498736cc1b3e1b9a63a13546a5da1e63abf4fccd8"
"""Of ``hibari.onnx`` in hibari-tts 0.2.1."""


def missing_requirement(language: str = "") -> MissingRequirement:
    """As ``StageEntry.requirement_check``. A package with another model counts as none: nobody has
    heard that one."""
    model = model_path()
    return "" if model and _sha256(model) == MODEL_SHA256 else "package"


def model_path() -> Path | None:
    """The model's file, found without importing the package; None where that is not installed."""
    found = find_spec("hibari")
    if not found or not found.origin:
        return None
    model = Path(found.origin).parent / "assets" / "hibari.onnx"
    return model if model.is_file() else None


@cache
def _sha256(model: Path) -> str:
    """Once a process: 8 MB take about ten milliseconds."""
    return hashlib.sha256(model.read_bytes()).hexdigest()

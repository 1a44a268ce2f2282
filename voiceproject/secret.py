"""The secret key of an installation that was given none."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from pathlib import Path


def secret_key(folder: Path) -> str:
    """Return the key kept in ``folder/secret_key``, making it (mode 0600) on the first start.

    Several processes may start at once: the file appears complete or not at all, and the first
    one wins.
    """
    path = folder / "secret_key"
    if not path.exists():
        descriptor, draft = tempfile.mkstemp(dir=folder)  # mkstemp makes it 0600
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(48))
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        Path(draft).unlink()
    return path.read_text().strip()

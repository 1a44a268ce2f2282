"""The secrets of an installation that was given none."""

from __future__ import annotations

import base64
import contextlib
import os
import secrets
import tempfile
from collections.abc import Callable
from pathlib import Path

CREDENTIALS_KEY_NAME = "credentials_key"
"""Of the file in the data folder."""


def secret_key(folder: Path) -> str:
    """What Django signs with, kept in ``folder/secret_key``."""
    return _kept(folder / "secret_key", lambda: secrets.token_urlsafe(48))


def credentials_key(folder: Path) -> str:
    """The Fernet key that encrypts people's provider keys, kept in ``folder/credentials_key``."""
    return _kept(
        folder / CREDENTIALS_KEY_NAME, lambda: base64.urlsafe_b64encode(os.urandom(32)).decode()
    )


def _kept(path: Path, make: Callable[[], str]) -> str:
    """The secret in a file, which is made (mode 0600) when it is first needed.

    Several processes may need it at once: the file appears complete or not at all, and the first
    one wins.
    """
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, draft = tempfile.mkstemp(dir=path.parent)  # mkstemp makes it 0600
        with os.fdopen(descriptor, "w") as file:
            file.write(make())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        Path(draft).unlink()
    return path.read_text().strip()

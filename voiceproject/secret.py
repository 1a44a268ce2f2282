"""The secrets of an installation that was given none."""

from __future__ import annotations

import base64
import contextlib
import os
import secrets
import tempfile
from collections.abc import Callable
from pathlib import Path


def secret_key(folder: Path) -> str:
    """What Django signs with, kept in ``folder/secret_key``."""
    return _kept(folder / "secret_key", lambda: secrets.token_urlsafe(48))


def credentials_key(folder: Path) -> str:
    """The Fernet key that encrypts people's provider keys, kept in ``folder/credentials_key``."""
    return _kept(
        folder / "credentials_key", lambda: base64.urlsafe_b64encode(os.urandom(32)).decode()
    )


def _kept(path: Path, make: Callable[[], str]) -> str:
    """The secret in a file, which is made (mode 0600) on the first start.

    Several processes may start at once: the file appears complete or not at all, and the first
    one wins.
    """
    if not path.exists():
        descriptor, draft = tempfile.mkstemp(dir=path.parent)  # mkstemp makes it 0600
        with os.fdopen(descriptor, "w") as file:
            file.write(make())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        Path(draft).unlink()
    return path.read_text().strip()

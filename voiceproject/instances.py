"""Which Parley a command is about: the one that runs from this checkout, wherever its data lies.

``manage.py up`` notes the choices it was started with (``remember``); ``manage.py`` puts those of
the running installation, or of the last one, into the environment of a command that was given no
data folder of its own (``adopt``). What the command's own environment says wins.

Imported before Django and its settings are: it reads no setting.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path

from dotenv import dotenv_values

from voiceproject.environment import BASE_DIR, ENV_FILE, user_folder

DATA_DIR_VARIABLE = "PARLEY_DATA_DIR"
REMEMBERED = (
    *(DATA_DIR_VARIABLE, "PARLEY_HOST", "PORT", "HTTPS"),
    *("DATABASE_URL", "REDIS_URL", "S3_BUCKET", "S3_ENDPOINT_URL"),
)
"""The variables that say where an installation and its data are found. No provider's key."""
LOCK_NAME = "up.lock"
"""In the data folder; ``manage.py up`` and its parts hold it for as long as they live."""


@dataclass(frozen=True, slots=True)
class Instance:
    """An installation that was started from this checkout."""

    choices: Mapping[str, str]
    """Values of ``REMEMBERED``, those that were not empty."""
    started_at: float
    """Seconds since the epoch: says which was started last, nothing else."""

    @property
    def data_dir(self) -> Path:
        return Path(self.choices[DATA_DIR_VARIABLE])

    @property
    def port(self) -> str:
        return self.choices.get("PORT", "")

    @property
    def is_running(self) -> bool:
        """Whether somebody holds its lock. One that was killed holds none."""
        with contextlib.suppress(OSError), (self.data_dir / LOCK_NAME).open("rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False


@dataclass(frozen=True, slots=True)
class Adopted:
    """What a command goes by."""

    instance: Instance
    is_running: bool
    others_running: int
    """How many more of this checkout run and fit what the command was given as well."""


def remember(data_dir: Path, values: Mapping[str, str], now: float) -> None:
    """Note that an installation starts, with its values of ``REMEMBERED``. Raises ``OSError``.

    Notes of installations whose data folders have gone are deleted.
    """
    folder = _notes_folder()
    if folder is None:
        return
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in folder.glob("*.json"):
        if _read(path) is None:
            path.unlink(missing_ok=True)
    choices = {name: value for name, value in values.items() if value}
    note = {"started_at": now, "choices": {**choices, DATA_DIR_VARIABLE: str(data_dir)}}
    path = folder / f"{_short_hash(data_dir)}.json"
    draft = path.with_suffix(f".{os.getpid()}.draft")
    # A database's address may hold its password.
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(note, file)
    draft.replace(path)


def adopt(environ: MutableMapping[str, str]) -> Adopted | None:
    """Put the choices of the running installation, or of the one that was started last, into
    ``environ``; return it, or None where there is none that fits.

    A data folder that ``environ`` or ``.env`` names, and a port or a database that ``environ``
    does, say which one is meant. What ``environ`` holds stays. What ``.env`` holds counts from
    the next start on: an installation that runs is found as it was started.
    """
    in_file = {name: value for name, value in _env_file().items() if value}
    known = _matching(environ, in_file.get(DATA_DIR_VARIABLE, ""))
    if not known:
        return None
    running = [one for one in known if one.is_running]
    found = max(running or known, key=lambda one: one.started_at)
    for name, value in found.choices.items():
        if not environ.get(name) and (running or name not in in_file):
            environ[name] = value
    return Adopted(found, bool(running), max(0, len(running) - 1))


def _matching(environ: Mapping[str, str], data_dir_in_file: str) -> list[Instance]:
    known = [one for one in map(_read, _notes()) if one]
    if given := environ.get(DATA_DIR_VARIABLE) or data_dir_in_file:
        asked = (BASE_DIR / Path(given).expanduser()).resolve()
        known = [one for one in known if one.data_dir == asked]
    if database := environ.get("DATABASE_URL"):
        known = [one for one in known if one.choices.get("DATABASE_URL") == database]
    if port := environ.get("PORT"):
        known = [one for one in known if one.port == port] or known
    return known


def _env_file() -> Mapping[str, str | None]:
    try:
        return dotenv_values(ENV_FILE)
    except (OSError, UnicodeError):
        return {}  # the settings say what is wrong with it


def _notes_folder() -> Path | None:
    state = user_folder("XDG_STATE_HOME", ".local/state")
    return state / "parley" / _short_hash(BASE_DIR) if state else None


def _notes() -> list[Path]:
    folder = _notes_folder()
    try:
        return list(folder.glob("*.json")) if folder else []
    except OSError:
        return []


def _short_hash(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:16]


def _read(path: Path) -> Instance | None:
    """None where the file is damaged, or the data folder has gone."""
    try:
        note = json.loads(path.read_bytes())
        choices = {name: str(note["choices"].get(name, "")) for name in REMEMBERED}
        choices = {name: value for name, value in choices.items() if value}
        found = Instance(choices, float(note["started_at"]))
        return found if found.data_dir.is_dir() else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None

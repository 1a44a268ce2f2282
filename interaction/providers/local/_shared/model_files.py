"""Models that lie in wheels of the package index: where they are kept, and how they are fetched.

The wheel is a box of files: nothing of it is installed. pip fetches it, so mirrors, wheelhouses,
proxies and whatever else pip is configured for serve here as well. All processes of a machine user
share one folder, and its files say how a fetch stands, whoever started it.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Literal

from interaction.providers.local._shared.pip_trouble import PipTrouble, trouble_in

Trouble = Literal["no_pip", PipTrouble]
"""Why a model was not fetched."""
PYTHON = "3.11"
"""The wheels are the same for every Python; pip wants to be told one with a foreign platform."""
TICK = 0.2
"""Seconds between two reports of progress."""
BLOCK = 1 << 20
_folder = Path("models")
"""The settings name another one at the start."""


def keep_models_in(folder: Path) -> None:
    """Where models are kept from now on."""
    global _folder
    _folder = folder


def models_folder() -> Path:
    return _folder


class FetchFailed(Exception):
    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble)
        self.trouble = trouble


class DamagedModel(Exception):
    """Its files are not what they should be; they have been removed."""


@dataclass(frozen=True, slots=True)
class ModelFile:
    member: str
    """Its path in the wheel."""
    size: int
    sha256: str

    @property
    def name(self) -> str:
        return self.member.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class FetchState:
    """How it stands with a model: ``absent``, ``running``, ``failed`` or ``here``."""

    word: Literal["absent", "running", "failed", "here"]
    part: float = 0.0
    """Of a fetch that runs: how much of it is done, 0 to 1."""
    trouble: Trouble | None = None
    """Of one that failed: why."""


@dataclass(frozen=True, slots=True)
class WheelModel:
    name: str
    language: str
    requirement: str
    """What pip is asked for: ``package==version``."""
    platform: str
    wheel_size: int
    """Bytes that are fetched."""
    files: tuple[ModelFile, ...]

    @property
    def size(self) -> int:
        """Bytes on the disk."""
        return sum(file.size for file in self.files)

    @property
    def path(self) -> Path:
        return models_folder() / self.name

    @property
    def present(self) -> bool:
        """All of it is on this disk, as far as can be seen at once."""
        try:
            return all((self.path / one.name).stat().st_size == one.size for one in self.files)
        except OSError:
            return False

    def verified(self, folder: Path) -> Path:
        """Its place in ``folder``, after a look at every byte. Raises ``DamagedModel``, and removes
        it first: so nobody takes it for usable again."""
        place = folder / self.name
        try:
            sound = all(_sha256(place / file.name) == file.sha256 for file in self.files)
        except OSError:
            sound = False
        if not sound:
            shutil.rmtree(place, ignore_errors=True)
            raise DamagedModel(self.name)
        return place

    @property
    def state(self) -> FetchState:
        if self.present:
            return FetchState("here")
        try:
            with self._locked(wait=False):
                pass
        except BlockingIOError:
            return FetchState("running", min(1.0, _weight(self._staging) / self.wheel_size))
        except OSError:
            return FetchState("absent")
        try:
            return FetchState("failed", trouble=self._trouble_file.read_text().strip())  # type: ignore[arg-type]
        except OSError:
            return FetchState("absent")

    def fetch(self, progress: Callable[[float], None] = lambda part: None) -> None:
        """Fetch it, unless it is here. Where another process or thread is at it, that one is waited
        for. ``progress`` is told how much is done, 0 to 1. Raises ``FetchFailed``."""
        try:
            models_folder().mkdir(parents=True, exist_ok=True)
            with self._locked(wait=True):
                if not self.present:
                    self._trouble_file.unlink(missing_ok=True)
                    self._fetch(progress)
        except OSError as error:
            raise FetchFailed(self._noted(_trouble_of(error))) from error
        except FetchFailed as failed:
            self._noted(failed.trouble)
            raise
        progress(1.0)

    def _fetch(self, progress: Callable[[float], None]) -> None:
        shutil.rmtree(self._staging, ignore_errors=True)  # of one that was killed
        self._staging.mkdir()
        try:
            with tempfile.TemporaryDirectory(dir=self._staging) as folder:
                wheel = self._download(Path(folder), progress)
                made = Path(folder) / self.name
                made.mkdir()
                self._unpack(wheel, made)
                shutil.rmtree(self.path, ignore_errors=True)
                made.rename(self.path)
        finally:
            shutil.rmtree(self._staging, ignore_errors=True)

    def _download(self, folder: Path, progress: Callable[[float], None]) -> Path:
        """Have pip fetch the wheel into ``folder``."""
        if find_spec("pip") is None:
            raise FetchFailed("no_pip")
        command = [
            # There pip keeps what has come so far: that is how its progress is seen.
            *("env", f"TMPDIR={folder}"),
            *(sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"),
            *("--platform", self.platform, "--python-version", PYTHON),
            # Its own five retries, each after a longer pause, keep whoever is offline waiting;
            # without any it does not say that nobody answered.
            *("--retries", "1"),
            *("--disable-pip-version-check", "--no-input", "--dest", str(folder)),
            self.requirement,
        ]
        said = folder / "pip"
        with said.open("wb") as out:
            pip = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
            try:
                while not _ended(pip):
                    progress(min(1.0, _weight(folder) / self.wheel_size))
            finally:
                pip.kill()  # nothing where it has ended
                pip.wait()
        wheels = list(folder.glob("*.whl"))
        if pip.returncode or not wheels:
            raise FetchFailed(trouble_in(said.read_text(errors="replace")))
        return wheels[0]

    def _unpack(self, wheel: Path, place: Path) -> None:
        """Take the model's files out, each one verified."""
        try:
            with zipfile.ZipFile(wheel) as box:
                for file in self.files:
                    with box.open(file.member) as source, (place / file.name).open("wb") as target:
                        if _copied(source, target) != file.sha256:
                            raise FetchFailed("damaged")
        except (zipfile.BadZipFile, zlib.error, KeyError, EOFError) as error:
            raise FetchFailed("damaged") from error

    @property
    def _staging(self) -> Path:
        return models_folder() / f"{self.name}.part"

    @property
    def _trouble_file(self) -> Path:
        return models_folder() / f"{self.name}.failed"

    def _noted(self, trouble: Trouble) -> Trouble:
        """Leave word of it for those who look later."""
        with contextlib.suppress(OSError):
            self._trouble_file.write_text(trouble)
        return trouble

    @contextlib.contextmanager
    def _locked(self, *, wait: bool) -> Iterator[None]:
        """Be the only one who fetches it. Without ``wait``, ``BlockingIOError`` where another is
        at it. The lock goes with the process that holds it."""
        with (models_folder() / f"{self.name}.lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            yield


def _ended(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(TICK)
    except subprocess.TimeoutExpired:
        return False
    return True


def _weight(folder: Path) -> int:
    """Bytes of all files in it, some of which may vanish meanwhile."""
    size = 0
    for place, _folders, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                size += os.stat(os.path.join(place, name)).st_size
    return size


def _copied(source: IO[bytes], target: IO[bytes]) -> str:
    """Copy it to the disk itself; return its SHA-256."""
    digest = hashlib.sha256()
    while block := source.read(BLOCK):
        digest.update(block)
        target.write(block)
    target.flush()
    os.fsync(target.fileno())
    return digest.hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _trouble_of(error: OSError) -> Trouble:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "disk_full"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST):
        return "not_writable"
    return "failed"

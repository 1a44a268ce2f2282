"""Makes ``.venv`` and installs packages into it; says what it does, and what to do where it fails.

Standard library alone and run as a file, by the machine's own Python: before it, nothing of Parley
can be imported that needs a package.
"""

from __future__ import annotations

import platform
import re
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LOG_NAME = "install.log"
"""In the virtual environment: what pip said last."""
OLDEST_PYTHON = (3, 11)
OLDEST_GLIBC = (2, 34)
"""What the binary packages ask for."""
PIN = re.compile(r"^[A-Za-z0-9][^=\s]*==", re.M)
LOOKED_AT = re.compile(r"^(?:Collecting|Requirement already satisfied:) ([A-Za-z0-9._-]+)")

ADVICE = {
    "offline": "The package index cannot be reached. Check the network (or PIP_INDEX_URL and the "
               "proxy), and try again.",
    "not_on_index": "The package index has no such package for this Python and system. Python 3.11 "
                    "and 3.12 on x86-64 Linux have them all; PIP_INDEX_URL names another index.",
    "refused": "The package index wants other credentials. Check pip's settings.",
    "damaged": "What came is damaged. Try again, or use another package index.",
    "disk_full": "The disk is full. Make room (about 1 GB), and try again.",
    "not_writable": "The folder cannot be written. Check whose .venv, its cache and TMPDIR are.",
    "no_compiler": "A package has no binary for this machine and cannot be built. Use Python 3.11 "
                   "or 3.12, or install a C compiler and Python's headers (on Debian: apt install "
                   "build-essential python3-dev).",
    "failed": "pip failed.",
}  # fmt: skip
"""By what ``trouble_in`` finds, and for what ``NOT_BUILT`` does."""
NOT_BUILT = re.compile(
    r"Failed building wheel|failed-wheel-build-for-install|metadata-generation-failed|Python\.h"
    r"|command '[^']*(?:gcc|cc|clang|g\+\+)[^']*' failed|error: subprocess-exited-with-error"
)
"""How pip says that a package had to be built here, and was not."""


class CannotInstall(Exception):
    """The message is for the person: what is the matter, and what to do."""


def main(requirements: Iterable[str]) -> None:
    """Make the virtual environment, and install what these files of the checkout pin."""
    try:
        check_machine(sys.version_info[:2], platform.libc_ver())
        make_venv()
        for name in requirements:
            install(ROOT / name)
    except CannotInstall as why:
        sys.exit(f"Parley: {why}")
    except KeyboardInterrupt:
        sys.exit("Parley: stopped. `make run` goes on from here.")


def check_machine(python: tuple[int, ...], libc: tuple[str, str]) -> None:
    """``libc``: name and version, as ``platform.libc_ver`` gives them. Raises ``CannotInstall``."""
    if python < OLDEST_PYTHON:
        raise CannotInstall(f"Python 3.11 or newer is needed; this is {_dotted(python)}.")
    name, version = libc
    numbers = tuple(map(int, re.findall(r"\d+", version)[:2]))
    if name == "glibc" and numbers < OLDEST_GLIBC:
        raise CannotInstall(
            f"glibc {_dotted(OLDEST_GLIBC)} or newer is needed (Debian 12, Ubuntu 22.04); this"
            f" system has {version}."
        )


def make_venv() -> None:
    """Unless it is there, whole. One of a Python that has gone is made anew."""
    if (VENV / "bin/python").exists() and (VENV / "bin/pip").exists():
        return
    with Step("Making a virtual environment in .venv"):
        done = subprocess.run(
            [sys.executable, "-m", "venv", str(VENV)], capture_output=True, text=True, check=False
        )
    if done.returncode:
        raise CannotInstall(_explained(done.stdout + done.stderr, "venv failed."))


def install(requirements: Path) -> None:
    pins = len(PIN.findall(requirements.read_text()))
    command = [str(VENV / "bin/python"), "-m", "pip", "install", "--progress-bar", "off"]
    command += ["--disable-pip-version-check", "--no-input", "-r", str(requirements)]
    with (
        Step(f"Installing {pins} packages, which takes a minute or a few") as step,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        ) as pip,
    ):
        assert pip.stdout
        said = list(followed(pip.stdout, pins, step))
    output = "".join(said)
    if pip.returncode:
        log = VENV / LOG_NAME
        try:
            log.write_text(output)
            where = f" All that pip said is in {log.relative_to(ROOT)}."
        except OSError:
            where = ""
        raise CannotInstall(_explained(output, ADVICE["failed"]) + where)


def followed(lines: Iterable[str], pins: int, step: Step) -> Iterable[str]:
    """The lines of pip as they come; ``step`` shows how far it is."""
    found = set()
    for line in lines:
        if match := LOOKED_AT.match(line):
            found.add(match[1].lower())
            step.show(f"{min(len(found), pins)} of {pins}")
        elif line.startswith("Installing collected packages"):
            step.show("unpacking")
        yield line


def _explained(output: str, otherwise: str) -> str:
    """What to do, after pip's own last word on it."""
    sys.path.insert(0, str(ROOT))
    from interaction.providers.local._shared.pip_trouble import trouble_in

    trouble: str = trouble_in(output)
    if trouble != "disk_full" and NOT_BUILT.search(output):
        trouble = "no_compiler"
    errors = [line for line in output.splitlines() if line.lower().startswith("error:")]
    last = (errors or output.splitlines() or [""])[-1].strip()
    advice = otherwise if trouble == "failed" else ADVICE[trouble]
    return f"{advice} ({last})" if last else advice


class Step:
    """Something that takes a while: a line when it begins, how far it is where that can be seen,
    and the seconds at its end."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._shows = sys.stdout.isatty()

    def __enter__(self) -> Step:
        self._began_at = time.monotonic()
        self._write(f"{self._what} …" if self._shows else f"{self._what} …\n")
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        outcome = "done" if kind is None else "stopped"
        seconds = f"{outcome} after {time.monotonic() - self._began_at:.0f} s"
        self._write(f"\r\033[K{self._what}: {seconds}\n" if self._shows else f"  {seconds}\n")

    def show(self, how_far: str) -> None:
        if self._shows:
            self._write(f"\r\033[K{self._what}: {how_far} …")

    def _write(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


if __name__ == "__main__":
    main(sys.argv[1:])

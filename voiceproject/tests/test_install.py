"""What ``make run`` says before Parley itself can say anything."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from voiceproject import install
from voiceproject.environment import BASE_DIR
from voiceproject.install import ADVICE, CannotInstall, Step, check_machine, followed


@pytest.mark.parametrize(
    ("python", "libc", "told"),
    [
        ((3, 11), ("glibc", "2.34"), ""),
        ((3, 12), ("glibc", "2.40.9000"), ""),
        ((3, 14), ("", ""), ""),
        ((4, 0), ("musl", "1.2"), ""),
        ((3, 10), ("glibc", "2.36"), "Python 3.11 or newer is needed; this is 3.10."),
        ((2, 7), ("glibc", "2.36"), "this is 2.7"),
        ((3, 11), ("glibc", "2.31"), "this system has 2.31"),
        ((3, 11), ("glibc", "2.4"), "this system has 2.4"),
        ((3, 11), ("glibc", "1.99"), "this system has 1.99"),
    ],
)
def test_a_machine_that_cannot_is_told_so(
    python: tuple[int, ...], libc: tuple[str, str], told: str
) -> None:
    if not told:
        check_machine(python, libc)
        return
    with pytest.raises(CannotInstall) as refused:
        check_machine(python, libc)
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ("  ERROR: Failed building wheel for x\nerror: failed-wheel-build-for-install",
         "no_compiler"),
        ("  error: command 'gcc' failed: No such file or directory\n", "no_compiler"),
        ("  error: command '/usr/bin/x86_64-linux-gnu-gcc' failed with exit code 1", "no_compiler"),
        ("fatal error: Python.h: No such file or directory", "no_compiler"),
        ("error: subprocess-exited-with-error\nerror: metadata-generation-failed", "no_compiler"),
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
         "disk_full"),
        ("error: command 'gcc' failed\ncollect2: No space left on device", "disk_full"),
        ("ERROR: Could not install packages due to an OSError: [Errno 13] Permission denied: '/x'",
         "not_writable"),
        ("Error: [Errno 30] Read-only file system: '/x/.venv'", "not_writable"),
        ("WARNING: Retrying after connection broken by 'NewConnectionError(…)'\nERROR: Could not "
         "find a version that satisfies the requirement x==1\nERROR: No matching distribution",
         "offline"),
        ("ERROR: No matching distribution found for onnxruntime==1.20", "not_on_index"),
        ("ERROR: HTTP error 403 while getting https://pypi.example/x.whl", "refused"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "damaged"),
        ("ERROR: something new", "failed"),
        ("", "failed"),
    ],
)  # fmt: skip
def test_what_pip_says_comes_with_what_to_do(said: str, advice: str) -> None:
    told = install._explained(said, ADVICE["failed"])
    assert told.startswith(ADVICE[advice])
    assert "\n" not in told
    assert told.endswith(")") == bool(said), "pip's own last word on it"


def test_how_far_pip_is_can_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr(Step, "show", lambda self, how_far: shown.append(how_far))
    lines = [
        "Collecting aiohttp==3.9 (from -r requirements.txt (line 1))\n",
        "  Downloading aiohttp-3.9-cp311.whl (1.2 MB)\n",
        "Requirement already satisfied: Attrs==23 in ./.venv/lib (from -r requirements.txt)\n",
        "Collecting attrs==23\n",
        "Collecting more\n",
        "Installing collected packages: attrs, aiohttp\n",
        "Successfully installed aiohttp-3.9\n",
    ]
    assert list(followed(lines, 2, Step("Installing"))) == lines
    assert shown == ["1 of 2", "2 of 2", "2 of 2", "2 of 2", "unpacking"]


def test_a_step_says_when_it_begins_and_ends(capsys: pytest.CaptureFixture[str]) -> None:
    with Step("Doing it") as step:
        step.show("half")
    with pytest.raises(ValueError, match="broken"), Step("Doing more"):
        raise ValueError("broken")
    said = capsys.readouterr().out
    assert said == "Doing it …\n  done after 0 s\nDoing more …\n  stopped after 0 s\n"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, processes: None) -> Path:
    """A checkout without packages, whose requirements none of the tests can have."""
    monkeypatch.setattr(install, "ROOT", tmp_path)
    monkeypatch.setattr(install, "VENV", tmp_path / ".venv")
    (tmp_path / ".venv/bin").mkdir(parents=True)
    for name in ("python", "pip"):
        (tmp_path / ".venv/bin" / name).symlink_to(sys.executable)
    (tmp_path / "requirements.txt").write_text("parley-no-such-package==1.0\n")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    return tmp_path


def test_a_real_pip_that_fails_is_told_and_its_words_are_kept(
    machine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        install.main(["requirements.txt"])
    assert str(ended.value).startswith(f"Parley: {ADVICE['not_on_index']} (ERROR: No matching")
    assert "No matching distribution" in (machine / ".venv" / install.LOG_NAME).read_text()
    assert capsys.readouterr().out.startswith("Installing 1 packages")


def test_it_wants_nothing_but_the_standard_library(processes: None) -> None:
    """Neither the installer, nor what it reads when pip fails."""
    code = "import runpy; m = runpy.run_path('voiceproject/install.py'); m['_explained']('', 'x')"
    subprocess.run([sys.executable, "-I", "-S", "-c", code], cwd=BASE_DIR, check=True)

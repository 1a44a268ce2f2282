"""A leash lets nothing of its child outlive its holder."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import psutil
import pytest

from voiceproject.supervisor import LEASH
from voiceproject.testing.installation import gone, wait_until

pytestmark = pytest.mark.usefixtures("processes")

Hold = Callable[..., tuple["subprocess.Popen[str]", psutil.Process]]

FAMILY = [sys.executable, "-c", """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
time.sleep(60)
"""]  # fmt: skip
STUBBORN = [sys.executable, "-c", """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
time.sleep(60)
"""]  # fmt: skip


@pytest.fixture
def hold() -> Iterator[Hold]:
    leashes: list[subprocess.Popen[str]] = []

    def start(argv: list[str], linger: float = 0, grace: float = 5) -> object:
        leash = subprocess.Popen(
            [sys.executable, "-I", "-S", str(LEASH), "name"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        leashes.append(leash)
        assert leash.stdin
        assert leash.stdout
        order = {"argv": argv, "linger": linger, "grace": grace}
        leash.stdin.write(json.dumps(order) + "\n")
        leash.stdin.flush()
        pid = int(leash.stdout.readline())
        try:
            return leash, psutil.Process(pid)
        except psutil.NoSuchProcess:  # it has done its work, and nobody asks for it
            return leash, None

    yield start  # type: ignore[misc]
    for leash in leashes:
        with leash:
            leash.kill()


def test_when_the_holder_is_gone_the_child_and_its_children_go(hold: Hold) -> None:
    leash, child = hold(FAMILY)
    wait_until("the child has a child", child.children, within=30)
    family = [child, *child.children()]
    assert leash.stdin
    leash.stdin.close()
    wait_until("all are gone", lambda: all(map(gone, family)), within=30)


def test_a_child_that_will_not_stop_is_killed(hold: Hold) -> None:
    leash, child = hold(STUBBORN, grace=0.2)
    assert leash.stderr
    assert leash.stderr.readline() == "deaf\n"
    assert leash.stdin
    leash.stdin.write("stop\n")
    leash.stdin.flush()
    assert leash.wait(10) == 128 + signal.SIGKILL
    assert gone(child)


def test_what_a_killed_child_started_is_killed_with_it(hold: Hold) -> None:
    leash, child = hold(FAMILY)
    wait_until("the child has a child", child.children, within=30)
    (grandchild,) = child.children()
    child.kill()
    assert leash.wait(10) == 128 + signal.SIGKILL
    wait_until("the grandchild is gone", lambda: gone(grandchild), within=30)


def test_a_leash_that_is_told_to_end_takes_its_child_along(hold: Hold) -> None:
    leash, child = hold(FAMILY)
    leash.terminate()
    assert leash.wait(10) == 128 + signal.SIGTERM
    assert gone(child)


def test_the_exit_code_is_the_childs(hold: Hold) -> None:
    leash, _ = hold([sys.executable, "-c", "raise SystemExit(7)"])
    assert leash.wait(10) == 7


def test_a_holder_that_dies_first_starts_nothing() -> None:
    done = subprocess.run([sys.executable, str(LEASH)], input="", capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_command_line_does_not_show_the_childs(hold: Hold) -> None:
    leash, _ = hold(FAMILY)
    assert "time.sleep" not in " ".join(psutil.Process(leash.pid).cmdline())

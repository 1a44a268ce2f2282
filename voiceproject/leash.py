"""Holds one child process of ``manage.py up`` and lets nothing of it outlive its holder.

Standard library alone and run as a file, so that it starts in an instant. Standard input brings
one JSON line, ``{"argv": [...], "linger": s, "grace": s}``; then either the line ``stop`` or the
end of the file, which comes however the holder died, ``kill -9`` included. The command travels
this way, rather than in the arguments, so that a search for the child finds the child alone.
Standard output gives the child's process id. The exit code is the child's.

``linger``: seconds to wait at the end of the file before stopping, so that parts that others need
go last. ``grace``: seconds from SIGTERM to SIGKILL.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from types import FrameType

# Signalling a group whose processes have all gone raises, on macOS as PermissionError.
GONE = (ProcessLookupError, PermissionError)


def hold() -> int:
    line = sys.stdin.readline()
    if not line:
        return 0
    order = json.loads(line)
    child = subprocess.Popen(
        order["argv"], stdin=subprocess.DEVNULL, stdout=sys.stderr, start_new_session=True
    )

    def stop(*_: int | FrameType | None) -> None:
        with contextlib.suppress(*GONE):
            os.killpg(child.pid, signal.SIGTERM)
        deadline = threading.Timer(order["grace"], kill)
        deadline.daemon = True
        deadline.start()

    def kill() -> None:
        with contextlib.suppress(*GONE):
            os.killpg(child.pid, signal.SIGKILL)

    def listen() -> None:
        if not sys.stdin.readline():
            time.sleep(order["linger"])
        stop()

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, stop)
    with contextlib.suppress(BrokenPipeError):
        os.write(1, f"{child.pid}\n".encode())
    threading.Thread(target=listen, daemon=True).start()
    code = child.wait()
    kill()  # what the child itself has started
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    # Not sys.exit: it would wait for the lock of the standard input that the listener holds.
    os._exit(hold())

"""How long the oldest task of a queue has waited.

A task says when it was queued, by the clock of its machine that never goes back. Only a process of
the same machine can tell how long ago that was: clocks of two machines are never subtracted.
"""

from __future__ import annotations

import json
import socket
import time
from typing import Any

from celery.signals import before_task_publish

HEADER = "queued"
"""Of a task's message: ``[host name, monotonic seconds]``."""


def note_time(headers: dict[str, Any], **_: Any) -> None:
    headers[HEADER] = [socket.gethostname(), time.monotonic()]


def waited_ms(message: bytes | None) -> float | None:
    """The ms for which a message of the broker has waited; None where it cannot be told."""
    try:
        host, queued_at = json.loads(message or b"")["headers"][HEADER]
        waited = 1000 * (time.monotonic() - queued_at)
    except (ValueError, KeyError, TypeError):
        return None
    return waited if host == socket.gethostname() and waited >= 0 else None


def install() -> None:
    before_task_publish.connect(note_time, weak=False)

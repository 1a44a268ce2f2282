"""A worker says, every second, for each queue that it serves, that it is alive."""

from __future__ import annotations

import logging
import os
import threading
from typing import Any

import redis
from celery.signals import worker_ready, worker_shutting_down

from voiceproject.redis_client import connect

logger = logging.getLogger(__name__)

EVERY = 1.0
LASTS = 5
"""Seconds after which a queue that nobody spoke for counts as unserved."""


def key(queue: str) -> str:
    """Where a worker's process id stands while the queue is served."""
    return f"parley:alive:{queue}"


class Heartbeat:
    def __init__(self) -> None:
        self.stopped = threading.Event()

    def start(self, sender: Any, **_: Any) -> None:
        queues = list(sender.app.amqp.queues.consume_from)
        threading.Thread(target=self._beat, args=(queues,), name="heartbeat", daemon=True).start()

    def stop(self, **_: Any) -> None:
        self.stopped.set()

    def _beat(self, queues: list[str]) -> None:
        client = connect()
        missed = False
        while not self.stopped.is_set():
            try:
                with client.pipeline(transaction=False) as pipe:
                    for queue in queues:
                        pipe.set(key(queue), os.getpid(), ex=LASTS)
                    pipe.execute()
                missed = False
            except redis.RedisError as error:
                if not missed:
                    logger.warning("no heartbeat: %s", type(error).__name__)
                missed = True
            self.stopped.wait(EVERY)


def install() -> None:
    heartbeat = Heartbeat()
    worker_ready.connect(heartbeat.start, weak=False)
    worker_shutting_down.connect(heartbeat.stop, weak=False)

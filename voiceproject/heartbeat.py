"""A worker says, every second, for each queue that it serves, that it is alive."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from typing import Any

import redis
from celery.signals import celeryd_init, worker_ready, worker_shutting_down

from interaction.bus import redis_keys
from interaction.bus.short_lived_redis import connect

logger = logging.getLogger(__name__)

EVERY = 1.0
LASTS = 5
"""Seconds after which a queue that nobody spoke for counts as unserved."""


class Heartbeat:
    """Beats from a thread, but through the loop that the stages run on: if that hangs, so does
    this."""

    def __init__(self) -> None:
        self._stopped = threading.Event()

    def start(self, sender: Any, **_: Any) -> None:
        queues = list(sender.app.amqp.queues.consume_from)
        threading.Thread(target=self._beat, args=(queues,), name="heartbeat", daemon=True).start()

    def stop(self, **_: Any) -> None:
        self._stopped.set()

    def _beat(self, queues: list[str]) -> None:
        from interaction.cascade.worker_loop import worker_loop

        client = connect()
        missed = False
        while not self._stopped.is_set():
            worker_loop().run(asyncio.sleep(0))
            try:
                with client.pipeline(transaction=False) as pipe:
                    for queue in queues:
                        pipe.set(redis_keys.worker_alive(queue), os.getpid(), ex=LASTS)
                    pipe.execute()
                missed = False
            except redis.RedisError as error:
                if not missed:
                    logger.warning("no heartbeat: %s", type(error).__name__)
                missed = True
            self._stopped.wait(EVERY)


def install() -> None:
    heartbeat = Heartbeat()

    def connect_last(**_: Any) -> None:
        # After the receivers of the tasks' modules, which warm the engines up: ready means ready.
        worker_ready.connect(heartbeat.start, weak=False)

    celeryd_init.connect(connect_last, weak=False)
    worker_shutting_down.connect(heartbeat.stop, weak=False)

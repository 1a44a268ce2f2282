"""A worker says, every second, that it is alive: for each queue that it serves, and of itself."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import threading
import time
from typing import Any, TypedDict

import redis
from celery.signals import (
    celeryd_init,
    task_postrun,
    task_prerun,
    worker_ready,
    worker_shutting_down,
)

from interaction.bus import redis_keys
from interaction.bus.short_lived_redis import connect

logger = logging.getLogger(__name__)

EVERY = 1.0
LASTS = 5
"""Seconds after which a queue that nobody spoke for counts as unserved, and a worker that said
nothing as lost."""


class Beat(TypedDict):
    """What a worker says of itself."""

    name: str
    queues: list[str]
    up_s: float
    """Seconds since it was ready."""
    running: int
    """Tasks that it runs."""
    slots: int
    """Tasks that it can run at once."""


class RunningTasks:
    """How many tasks this process runs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.count = 0

    def watch(self) -> None:
        task_prerun.connect(self._begin, weak=False)
        task_postrun.connect(self._end, weak=False)

    def _begin(self, **_: Any) -> None:
        with self._lock:
            self.count += 1

    def _end(self, **_: Any) -> None:
        with self._lock:
            self.count -= 1


class Heartbeat:
    """Beats from a thread, but through the loop that the stages run on: if that hangs, so does
    this."""

    def __init__(self) -> None:
        self._stopped = threading.Event()
        self._tasks = RunningTasks()

    def start(self, sender: Any, **_: Any) -> None:
        self._tasks.watch()
        self._began = time.monotonic()
        self._name = f"{sender.hostname}/{os.getpid()}"
        self._beat: Beat = {
            "name": sender.hostname,
            "queues": list(sender.app.amqp.queues.consume_from),
            "up_s": 0.0,
            "running": 0,
            "slots": sender.controller.concurrency,
        }
        threading.Thread(target=self._run, name="heartbeat", daemon=True).start()

    def stop(self, **_: Any) -> None:
        self._stopped.set()

    def _run(self) -> None:
        from interaction.cascade.worker_loop import worker_loop

        client = connect()
        told = missed = False
        while not self._stopped.is_set():
            worker_loop().run(asyncio.sleep(0))
            try:
                if not told:
                    _forget_lost(client)
                self._say(client)
                told, missed = True, False
            except redis.RedisError as error:
                if not missed:
                    logger.warning("no heartbeat: %s", type(error).__name__)
                missed = True
            self._stopped.wait(EVERY)
        self._take_leave(client)

    def _say(self, client: redis.Redis) -> None:
        self._beat["up_s"] = round(time.monotonic() - self._began, 1)
        self._beat["running"] = self._tasks.count
        with client.pipeline(transaction=False) as pipe:
            for queue in self._beat["queues"]:
                pipe.set(redis_keys.worker_alive(queue), os.getpid(), ex=LASTS)
            key, remembered = redis_keys.worker(self._name), redis_keys.WORKER_REMEMBERED
            pipe.set(key, json.dumps(self._beat), ex=remembered)
            pipe.sadd(redis_keys.workers(), self._name)
            pipe.execute()

    def _take_leave(self, client: redis.Redis) -> None:
        """It stops because it is to stop: nobody need look for it."""
        try:
            with client.pipeline(transaction=False) as pipe:
                pipe.delete(redis_keys.worker(self._name))
                pipe.srem(redis_keys.workers(), self._name)
                pipe.execute()
        except redis.RedisError as error:
            logger.info("left without a word: %s", type(error).__name__)


def _forget_lost(client: redis.Redis) -> None:
    """Take out the workers that nothing is remembered of."""
    names: Any = client.smembers(redis_keys.workers())
    for name in names:
        if not client.exists(redis_keys.worker(name.decode())):
            client.srem(redis_keys.workers(), name)


def install() -> None:
    heartbeat = Heartbeat()

    def connect_last(**_: Any) -> None:
        # After the receivers of the tasks' modules, which warm the engines up: ready means ready.
        worker_ready.connect(heartbeat.start, weak=False)

    celeryd_init.connect(connect_last, weak=False)
    worker_shutting_down.connect(heartbeat.stop, weak=False)

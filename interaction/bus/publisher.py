"""Hands tasks to the broker from a thread of its own.

Publishing is synchronous and waits for as long as the broker is silent; here it times out after a
second and is tried again, while no event loop waits. A task that is sent twice by this does no
harm: stages are claimed.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol

from celery import current_app
from django.conf import settings
from django.utils.module_loading import import_string
from kombu.exceptions import OperationalError

from interaction.bus.redis_client import CONNECTION_ERRORS, RETRY_FOR
from interaction.bus.stage_messages import StageRequest, dump
from interaction.core.types import Stage

TASKS: dict[Stage, tuple[str, str]] = {
    "stt": ("interaction.cascade.tasks.transcribe", "stt"),
    "llm": ("interaction.cascade.tasks.respond", "llm"),
    "tts": ("interaction.cascade.tasks.synthesize", "tts"),
    "archive": ("interaction.cascade.tasks.archive", "default"),
}
"""Stage to the name of its task and its queue."""
EXPIRES = 30
"""Seconds after which a task that nobody took is dropped: its turn was given up long before."""
SOCKET_TIMEOUT = 1.0


class NotPublished(Exception):
    """The broker took no task for as long as patience allowed."""


@dataclass
class _Parcel:
    task: str
    queue: str
    kwargs: dict[str, Any]
    give_up_at: float
    taken: Future[None] = field(default_factory=Future)


class TaskPublisher(Protocol):
    async def publish(
        self, ticket: StageRequest, patience: float = RETRY_FOR, **kwargs: Any
    ) -> None:
        """Enqueue the ticket's stage; returns when the queue has it, else ``NotPublished``.

        ``patience``: seconds for which it is tried. ``kwargs``: the task's other arguments.
        """


class Publisher:
    """Implements ``TaskPublisher``."""

    def __init__(self) -> None:
        self._parcels: queue.SimpleQueue[_Parcel] = queue.SimpleQueue()
        threading.Thread(target=self._work, name="publisher", daemon=True).start()

    async def publish(
        self, ticket: StageRequest, patience: float = RETRY_FOR, **kwargs: Any
    ) -> None:
        task, queue_name = TASKS[ticket.stage]
        parcel = _Parcel(
            task, queue_name, {"ticket": dump(ticket), **kwargs}, time.monotonic() + patience
        )
        self._parcels.put(parcel)
        await asyncio.wrap_future(parcel.taken)

    def _work(self) -> None:
        connection = current_app.connection_for_write()
        connection.transport_options = {
            **connection.transport_options,
            "socket_timeout": SOCKET_TIMEOUT,
            "socket_connect_timeout": SOCKET_TIMEOUT,
            "retry_on_timeout": False,
        }
        with connection:
            while True:
                self._deliver(connection, self._parcels.get())

    def _deliver(self, connection: Any, parcel: _Parcel) -> None:
        while not parcel.taken.cancelled():
            try:
                self._send(connection, parcel)
            except (OperationalError, *CONNECTION_ERRORS):
                if time.monotonic() > parcel.give_up_at:
                    _settle(parcel.taken, NotPublished(parcel.task))
                    return
                time.sleep(0.1)
            except Exception as error:
                _settle(parcel.taken, error)
                return
            else:
                _settle(parcel.taken, None)
                return

    def _send(self, connection: Any, parcel: _Parcel) -> None:
        with current_app.amqp.Producer(connection) as producer:
            current_app.send_task(
                parcel.task,
                kwargs=parcel.kwargs,
                queue=parcel.queue,
                producer=producer,
                retry=False,
                ignore_result=True,
                expires=EXPIRES,
                # What was said stays out of the broker's headers and of every log line.
                argsrepr="()",
                kwargsrepr="{}",
            )


def _settle(taken: Future[None], error: Exception | None) -> None:
    if not taken.set_running_or_notify_cancel():
        return
    if error is None:
        taken.set_result(None)
    else:
        taken.set_exception(error)


def publisher() -> TaskPublisher:
    """This process's publisher, of the class that ``settings.PARLEY_PUBLISHER`` names; it is made,
    and its thread starts, with the first call."""
    return _made(settings.PARLEY_PUBLISHER)


@cache
def _made(path: str) -> TaskPublisher:
    made: TaskPublisher = import_string(path)()
    return made

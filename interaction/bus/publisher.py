"""Publishes the stages' Celery tasks from a thread of its own.

Publishing blocks for as long as the broker is silent; here it times out after a second and is tried
again, while no event loop waits. A task that is published twice by this does no harm: only the
first run of a stage claims its job.
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
"""By stage: the name of its task, and its queue."""
EXPIRES = 30
"""Seconds after which a task that no worker started is dropped: its turn has failed long before."""
SOCKET_TIMEOUT = 1.0
"""Seconds."""


class NotPublished(Exception):
    """The broker did not accept a task in the time that it was given."""


@dataclass
class _Message:
    """A task that is to be published."""

    task: str
    queue: str
    kwargs: dict[str, Any]
    give_up_at: float
    """Monotonic seconds."""
    accepted: Future[None] = field(default_factory=Future)
    """Done when the broker has it."""


class TaskPublisher(Protocol):
    async def publish(
        self, request: StageRequest, patience: float = RETRY_FOR, **kwargs: Any
    ) -> None:
        """Publish the task of the requested stage, with ``kwargs`` as its other arguments.

        Returns when the broker has it; raises ``NotPublished`` after ``patience`` seconds.
        """


class Publisher:
    """Implements ``TaskPublisher``."""

    def __init__(self) -> None:
        self._messages: queue.SimpleQueue[_Message] = queue.SimpleQueue()
        threading.Thread(target=self._work, name="publisher", daemon=True).start()

    async def publish(
        self, request: StageRequest, patience: float = RETRY_FOR, **kwargs: Any
    ) -> None:
        task, queue_name = TASKS[request.stage]
        arguments = {"request": dump(request), **kwargs}
        message = _Message(task, queue_name, arguments, time.monotonic() + patience)
        self._messages.put(message)
        await asyncio.wrap_future(message.accepted)

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
                self._deliver(connection, self._messages.get())

    def _deliver(self, connection: Any, message: _Message) -> None:
        while not message.accepted.cancelled():
            try:
                self._send(connection, message)
            except (OperationalError, *CONNECTION_ERRORS):
                if time.monotonic() > message.give_up_at:
                    _settle(message.accepted, NotPublished(message.task))
                    return
                time.sleep(0.1)
            except Exception as error:
                _settle(message.accepted, error)
                return
            else:
                _settle(message.accepted, None)
                return

    def _send(self, connection: Any, message: _Message) -> None:
        with current_app.amqp.Producer(connection) as producer:
            current_app.send_task(
                message.task,
                kwargs=message.kwargs,
                queue=message.queue,
                producer=producer,
                retry=False,
                ignore_result=True,
                expires=EXPIRES,
                # Transcripts stay out of the broker's headers and of every log line.
                argsrepr="()",
                kwargsrepr="{}",
            )


def _settle(accepted: Future[None], error: Exception | None) -> None:
    if not accepted.set_running_or_notify_cancel():
        return
    if error is None:
        accepted.set_result(None)
    else:
        accepted.set_exception(error)


def publisher() -> TaskPublisher:
    """This process's publisher, of the class that ``settings.PARLEY_PUBLISHER`` names; it is made,
    and its thread starts, with the first call."""
    return _made(settings.PARLEY_PUBLISHER)


@cache
def _made(path: str) -> TaskPublisher:
    made: TaskPublisher = import_string(path)()
    return made

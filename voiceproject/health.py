"""Is this process alive, and is everything ready that a conversation needs?"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from typing import Literal

from django.conf import settings
from django.core.files.storage import FileSystemStorage, default_storage
from django.db import connection
from django.http import HttpRequest
from ninja import Router, Status

from interaction.api.document import answers
from interaction.api.schemas import ErrorBody
from interaction.bus.redis_keys import worker_alive
from interaction.bus.short_lived_redis import connect
from interaction.sessions.settings import WireModel

logger = logging.getLogger(__name__)
router = Router(tags=["health"], auth=None)

Word = Literal["ok", "failed"]


class Health(WireModel):
    """Whether the web process answers."""

    status: Word
    """`ok`, always: a process that is not well does not answer."""


class Readiness(WireModel):
    """Whether all is ready that a conversation needs, and each part of it."""

    status: Word
    """`failed` where any of the parts is."""
    parts: dict[str, Word]
    """`database`, `redis`, `storage` and `worker:<queue>` for each queue of tasks, each `ok` or
    `failed`."""


@router.get(
    "",
    response={200: Health, 400: ErrorBody},
    summary="Is the web process alive?",
    openapi_extra=answers({200: "It is."}),
)
def health(request: HttpRequest) -> Health:
    """Asks for nothing but an answer: neither the database nor Redis is looked at."""
    return Health(status="ok")


@router.get(
    "/ready",
    response={200: Readiness, 503: Readiness, 400: ErrorBody},
    summary="Is every part ready?",
    openapi_extra=answers({200: "All parts are.", 503: "One of the parts is not; see which."}),
)
def ready(request: HttpRequest) -> Status[Readiness]:
    """Looks at the database, Redis, the storage and the workers. Answers within seconds, whatever
    hangs."""
    parts: dict[str, Word] = {"database": _word("database", _database)}
    parts |= _redis_and_workers()
    parts["storage"] = _word("storage", _storage)
    good = all(word == "ok" for word in parts.values())
    return Status(200 if good else 503, Readiness(status="ok" if good else "failed", parts=parts))


def _word(part: str, check: Callable[[], bool]) -> Word:
    """Whatever a check raises, the part has failed; the reason belongs in the log alone."""
    try:
        good = check()
    except Exception as error:
        logger.warning("not ready: %s", type(error).__name__, extra={"part": part})
        return "failed"
    return "ok" if good else "failed"


def _database() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return bool(cursor.fetchone() == (1,))


def _redis_and_workers() -> dict[str, Word]:
    """One round trip, so that a Redis that hangs costs its patience once."""
    answers: list[object] = [None] * len(settings.QUEUES)

    def ask() -> bool:
        with connect() as client:
            answers[:] = client.mget([worker_alive(queue) for queue in settings.QUEUES])
        return True

    parts = {"redis": _word("redis", ask)}
    for queue, answer in zip(settings.QUEUES, answers, strict=True):
        parts[f"worker:{queue}"] = "ok" if answer else "failed"
    return parts


def _storage() -> bool:
    if isinstance(default_storage, FileSystemStorage):
        folder = default_storage.location
        os.makedirs(folder, mode=0o700, exist_ok=True)
        return os.access(folder, os.W_OK | os.X_OK)
    default_storage.exists("ready")
    return True

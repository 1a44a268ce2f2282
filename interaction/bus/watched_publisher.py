"""Publishes the stages of one session, and has its watchdog watch them from then on."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol
from uuid import UUID

from django.utils.translation import gettext as _

from interaction.bus.publisher import NotPublished, publisher
from interaction.bus.redis_client import RETRY_FOR
from interaction.bus.stage_messages import StageRequest
from interaction.bus.stage_watchdog import START_WITHIN, StageWatchdog
from interaction.core.types import Stage


class OnFailure(Protocol):
    """Is called where a turn, or a reply of it, failed. ``message`` is for the person."""

    def __call__(
        self, turn: UUID, stage: Stage, code: str, message: str, reply: UUID | None = None
    ) -> None: ...


class WatchedPublisher:
    def __init__(self, watchdog: StageWatchdog, on_failure: OnFailure) -> None:
        self._watchdog = watchdog
        self._on_failure = on_failure
        self._now = asyncio.get_running_loop().time

    async def publish(
        self, request: StageRequest, patience: float = RETRY_FOR, **kwargs: Any
    ) -> None:
        """Publish the requested stage's task; returns when the broker has it.

        Where it does not accept it for ``patience`` seconds, ``on_failure`` is called with
        ``queue_unavailable``.
        """
        job = request.job
        self._watchdog.on_queued(job, self._now(), within=patience + START_WITHIN)
        try:
            await publisher().publish(request, patience, **kwargs)
        except NotPublished:
            self._watchdog.on_finished(job)
            message = _("The task queue does not answer. Please try again.")
            code = "queue_unavailable"
            self._on_failure(request.turn_id, request.stage, code, message, request.reply_id)
        else:
            self._watchdog.on_published(job, self._now())

"""Archives and ends what dead processes left behind. Celery beat runs it every ten seconds."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import Any
from uuid import UUID

from channels.db import database_sync_to_async
from django.utils import timezone

from interaction.bus import redis_keys
from interaction.bus.publisher import publisher
from interaction.bus.redis_client import get_redis
from interaction.bus.stage_messages import StageRequest
from interaction.core.engine import SessionSpec
from interaction.models import Session
from interaction.turn_records.turn_notes import session_of

logger = logging.getLogger(__name__)

NEW = timedelta(seconds=20)
"""A session this young may not have its key in Redis yet."""
SUSPECT_FOR = 30
"""Seconds. A session is ended when two sweeps running find no process that has it: after a restart
of Redis the first one may find none for any session."""


async def sweep() -> None:
    await _archive_silent_turns()
    await _end_orphaned_sessions()


async def _archive_silent_turns() -> None:
    """Have every turn archived that was opened and that no process touches any more."""
    names: Any = await get_redis().smembers(redis_keys.open_turns())
    turns = [UUID(name.decode()) for name in names]
    if not turns:
        return
    live = await get_redis().mget([redis_keys.turn_live(turn) for turn in turns])
    silent = [turn for turn, alive in zip(turns, live, strict=True) if alive is None]
    await asyncio.gather(*map(_archive, silent))


async def _archive(turn: UUID) -> None:
    session = await session_of(get_redis(), turn) or UUID(int=0)
    logger.info("silent turn swept", extra={"session": session, "turn": turn})
    spec = SessionSpec(session, 0, stt=(), llm=(), tts=())
    await publisher().publish(StageRequest(spec, turn, channel="", stage="archive"))


async def _end_orphaned_sessions() -> None:
    for session in await database_sync_to_async(_active_sessions, thread_sensitive=False)():
        if await get_redis().exists(redis_keys.session_live(session)):
            continue
        suspect = redis_keys.session_suspect(session)
        if await get_redis().set(suspect, 1, nx=True, ex=SUSPECT_FOR):
            continue
        logger.warning("its web process is gone: session ended", extra={"session": session})
        await database_sync_to_async(Session.end, thread_sensitive=False)(session, "process_lost")
        await get_redis().delete(suspect)


def _active_sessions() -> list[UUID]:
    started = Session.objects.filter(
        status=Session.Status.ACTIVE, started_at__lt=timezone.now() - NEW
    )
    return list(started.values_list("pk", flat=True))

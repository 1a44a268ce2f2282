"""The status of the installation at this moment."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from interaction.models import Session
from interaction.provider_calls.minutes import begins
from voiceproject.heartbeat import LASTS
from voiceproject.queue_times import waited_ms
from voiceproject.status.document import (
    InstallationStatus,
    QueueNow,
    RedisNow,
    SessionsNow,
    WorkerNow,
)
from voiceproject.status.provider_figures import providers_now
from voiceproject.status.redis_answers import RedisAnswers, ask
from voiceproject.status.room import room_now

InProgress = tuple[UUID, str, int]
"""A session that the database says is in progress: its id, mode and owner."""


def sees_everyone(user: Any) -> bool:
    """Whether the figures of the whole installation are shown to this person."""
    return bool(user.is_staff or user.is_superuser)


def status_for(user: Any) -> InstallationStatus:
    """What this person may see of it. A constant number of queries."""
    everyone = sees_everyone(user)
    sessions = Session.objects.filter(status=Session.Status.ACTIVE)
    if not everyone:
        sessions = sessions.owned_by(user)
    found = list(sessions.order_by().values_list("pk", "mode", "owner"))
    told = ask([session for session, _mode, _owner in found])
    room = room_now(told.recordings if told else None) if everyone else None
    if told is None:
        return _without_redis(everyone, room)
    workers = _workers(told)
    return InstallationStatus(
        at=timezone.now(),
        everyone=everyone,
        sessions=_sessions(found, told),
        queues=_queues(told, workers) if everyone else None,
        workers=workers if everyone else None,
        providers=(providers_now(told.minutes, told.minute, _started(told)) if everyone else None),
        room=room,
        redis=_redis(told.info if everyone else {}),
    )


def _without_redis(everyone: bool, room: Any) -> InstallationStatus:
    away = dict.fromkeys(("version", "up_s", "used", "most", "clients"))
    return InstallationStatus(
        at=timezone.now(),
        everyone=everyone,
        sessions=None,
        queues=None,
        workers=None,
        providers=None,
        room=room,
        redis=RedisNow(connected=False, **away),
    )


def _sessions(found: list[InProgress], told: RedisAnswers) -> SessionsNow:
    """A row whose process has died says that it is in progress until the sweep finds it."""
    live = [(mode, owner) for session, mode, owner in found if session in told.live]
    modes = Counter(mode for mode, _owner in live)
    return SessionsNow(
        total=len(live),
        cascade=modes[Session.Mode.CASCADE],
        realtime=modes[Session.Mode.REALTIME],
        people=len({owner for _mode, owner in live}),
    )


def _workers(told: RedisAnswers) -> list[WorkerNow]:
    workers = [
        WorkerNow(alive=silent_ms < 1000 * LASTS, silent_ms=silent_ms, **beat)
        for beat, silent_ms in told.workers
    ]
    return sorted(workers, key=lambda one: (not one.alive, one.name))


def _queues(told: RedisAnswers, workers: list[WorkerNow]) -> list[QueueNow]:
    return [
        QueueNow(
            name=name,
            waiting=waiting,
            oldest_ms=waited_ms(oldest),
            workers=sum(worker.alive and name in worker.queues for worker in workers),
        )
        for name, (waiting, oldest) in told.queues.items()
    ]


def _started(told: RedisAnswers) -> datetime | None:
    """When Redis was, by its own clock, to the minute."""
    up = told.info.get("uptime_in_seconds")
    now = told.info.get("server_time_usec")
    if up is None:
        return None
    at = datetime.fromtimestamp(now / 1_000_000, UTC) if now else begins(told.minute)
    return at - timedelta(seconds=up)


def _redis(info: dict[str, Any]) -> RedisNow:
    return RedisNow(
        connected=True,
        version=info.get("redis_version"),
        up_s=info.get("uptime_in_seconds"),
        used=info.get("used_memory"),
        most=info.get("maxmemory") or None,
        clients=info.get("connected_clients"),
    )

"""What the page *Status* shows and REST answers with."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from interaction.sessions.settings import WireModel


class SessionsNow(WireModel):
    """Conversations that go on: a web process holds each of them."""

    total: int
    """How many go on, whatever their mode."""
    cascade: int
    """Those that were begun in cascade mode."""
    realtime: int
    """Those that were begun in realtime mode."""
    people: int
    """Whose they are: one person may have several."""


class QueueNow(WireModel):
    """A queue of tasks, and who takes from it."""

    name: str
    """`stt`, `llm`, `tts` or `default`."""
    waiting: int
    """Tasks in it that no worker has taken yet."""
    oldest_ms: float | None
    """How long the first of them has waited; null where none waits, or where it was queued on
    another machine, whose clock is another."""
    workers: int
    """How many processes that are alive take tasks from it."""


class WorkerNow(WireModel):
    """A worker: a process that runs tasks."""

    name: str
    """By which it calls itself, with its machine's name."""
    queues: list[str]
    """The queues that it takes tasks from."""
    alive: bool
    """Whether it has spoken within five seconds. One that was lost is named for ten minutes."""
    silent_ms: float
    """Time since it last spoke: it does so every second."""
    up_s: float
    """Seconds for which it had been ready when it last spoke."""
    running: int
    """Tasks that it then ran."""
    slots: int
    """Tasks that it can run at the same time."""


class CallFigures(WireModel):
    """A provider's calls over some time."""

    calls: int
    """Calls that ended in that time, however they ended: each attempt is one, fallbacks and
    repetitions included."""
    given_up: int
    """Those of them that nobody waited for any more before a result had come: the person had spoken
    on, say. They speak neither for the provider nor against it."""
    errors: int
    """Those of them that failed."""
    by_code: dict[str, int]
    """How many failed with which error code."""
    error_rate: float | None
    """Errors as a share, 0 to 1, of the calls that were not given up; null where there are none."""
    results: int
    """Calls whose time to the first result is known: what the median rests on."""
    p50_ms: float | None
    """The median of their times to the first result, at most 2 % off; null where none is known."""


class CallMinute(WireModel):
    """A minute in which calls ended."""

    begins: datetime
    """When it began."""
    calls: int
    """How many ended in it, however they did."""
    errors: int
    """How many of them failed."""


class ProviderNow(WireModel):
    """A provider's model in one stage."""

    stage: Literal["stt", "llm", "tts", "realtime"]
    """What it was called for."""
    provider: str
    """Its name, as sessions choose it."""
    model: str
    """The model that was asked for; empty for its default."""
    hour: CallFigures
    """Its calls that ended since `hour_since`."""
    day: CallFigures
    """Its calls that ended since `day_since`."""
    minutes: list[CallMinute]
    """The minutes since `hour_since` in which calls ended, in their order."""


class ProvidersNow(WireModel):
    """The calls of all providers that were called within the day."""

    minute: datetime
    """The beginning of the minute at hand, by the clock of Redis, which counts them."""
    hour_since: datetime
    """The beginning of the first of sixty minutes, the one at hand being the last; later where
    Redis was started since."""
    day_since: datetime
    """The beginning of the first of 24 hours, the one at hand being the last."""
    series: list[ProviderNow]
    """One a stage, provider and model."""


class RoomNow(WireModel):
    """What is kept, and what there is room for. All in bytes; null where it cannot be told."""

    free: int | None
    """What is left where recordings are kept; null where that is no folder of the server."""
    total: int | None
    """Left and taken together, by whatever."""
    recordings: int | None
    """All recordings together, by their lengths; measured every few minutes."""
    recordings_age_s: float | None
    """Seconds since that was measured."""
    database: int | None
    """The database, as it says itself."""


class RedisNow(WireModel):
    """The Redis that carries what passes between the processes."""

    connected: bool
    """Whether it answers."""
    version: str | None
    """What it calls its release, such as `7.4.1`."""
    up_s: int | None
    """Seconds since it was started."""
    used: int | None
    """Bytes of memory that it uses."""
    most: int | None
    """Bytes that it may use; null where it has no limit, too."""
    clients: int | None
    """Connections that it has, from whichever process."""


class InstallationStatus(WireModel):
    """What goes on at the moment. A part whose source does not answer is null."""

    at: datetime
    """When this was looked at."""
    everyone: bool
    """Whether it is of the whole installation, as it is for staff. For others `sessions` has their
    own ones alone, and `queues`, `workers`, `providers` and `room` are null."""
    sessions: SessionsNow | None
    """Conversations that go on."""
    queues: list[QueueNow] | None
    """What waits to be done, and who takes it up."""
    workers: list[WorkerNow] | None
    """The processes that run tasks, those that are alive first."""
    providers: ProvidersNow | None
    """What was counted of providers' calls."""
    room: RoomNow | None
    """Disk and database."""
    redis: RedisNow
    """The Redis behind all that."""


RESOURCES: dict[str, type[BaseModel]] = {"installation_status": InstallationStatus}

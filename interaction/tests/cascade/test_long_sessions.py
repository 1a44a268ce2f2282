"""A session may last for thousands of turns: what is known of a turn goes with it."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from dataclasses import replace
from types import ModuleType
from typing import Any
from uuid import UUID, uuid4

import pytest

from interaction.bus.stage_messages import ReportKind, StageReport
from interaction.bus.stage_watchdog import Job
from interaction.cascade.engine import CascadeEngine
from interaction.core.events import (
    EngineEvent,
    FinalTranscript,
    MetricMeasured,
    ProviderSwitched,
    ReplySentence,
    ReplyText,
    StageFailed,
)
from interaction.core.orders import (
    CancelReply,
    DropTurn,
    EndTurn,
    FlushTurn,
    Respond,
    SendAudio,
)
from interaction.core.types import Message
from interaction.tests.cascade.caller import PATIENCE, Caller, spec
from interaction.tests.fakes.publishing import FakePublisher
from interaction.turn_records.archive_queue import MOST_CLOSED

pytestmark = pytest.mark.usefixtures("redis_client")

TURNS = 600
WARM = 4 * MOST_CLOSED
"""Turns after which nothing may grow."""


def held_by(engine: CascadeEngine) -> Counter[str]:
    """What can be reached from an engine, counted by type: objects of Parley and ids."""
    counts: Counter[str] = Counter()
    seen: set[int] = set()
    waiting: list[Any] = [engine]
    while waiting:
        found = waiting.pop()
        if id(found) in seen or isinstance(found, type | ModuleType | asyncio.AbstractEventLoop):
            continue
        seen.add(id(found))
        kind = type(found)
        if kind.__module__.startswith("interaction.") or kind is UUID:
            counts[kind.__qualname__] += 1
        elif kind.__module__ not in ("builtins", "collections", "asyncio.queues"):
            continue  # not the session's: Redis, Celery, the loop
        waiting += gc.get_referents(found)
    return counts


class Stages:
    """Plays the workers of a session, turn by turn."""

    def __init__(self, engine: CascadeEngine) -> None:
        self.engine = engine
        self._numbers: Counter[Job] = Counter()

    def report(self, job: Job, event: EngineEvent | None = None, queued: Job | None = None) -> None:
        """The stage's next report; ``finished`` where it has nothing else to say."""
        kind: ReportKind = "event" if event else "queued" if queued else "finished"
        report = StageReport(
            self.engine.session_id, job, self._numbers[job], kind, event=event, queued=queued
        )
        self._numbers[job] += 1
        self.engine.on_report(report, asyncio.get_running_loop().time())

    def transcribe(self, turn: UUID, reply: UUID) -> None:
        job = Job("stt", turn, turn)
        self.report(job, FinalTranscript(turn, "Hello.", reply))
        self.report(job, queued=Job("llm", turn, reply))
        self.report(job)

    def respond(self, turn: UUID, reply: UUID) -> None:
        job = Job("llm", turn, reply)
        self.report(job, MetricMeasured(turn, "llm_ttft", 1.0))
        self.report(job, ReplySentence(reply, 0, "Hello."))
        self.report(job, queued=Job("tts", turn, reply, 0))
        self.report(job, ReplyText(reply, "Hello.", 1))
        self.report(job)

    def synthesize(self, turn: UUID, reply: UUID) -> None:
        job = Job("tts", turn, reply, 0)
        self.report(job, ProviderSwitched(turn, "tts", "openai", "no", "espeak"))
        self.report(job)

    def fail(self, turn: UUID) -> None:
        failure = StageFailed(turn, "stt", "any", "no_speech", "Again, please.", retryable=True)
        self.report(Job("stt", turn, turn), failure)

    def archive(self, turn: UUID, attempt: int) -> None:
        self.report(Job("archive", turn, turn, attempt))
        self._numbers.clear()


async def one_turn(caller: Caller, stages: Stages, course: str) -> None:
    """``course``: how the turn goes."""
    engine = stages.engine
    turn, reply = uuid4(), uuid4()
    if course == "out of band":
        context = (Message("user", "Sum up."),)
        engine.execute(Respond(turn, 0, reply, context, out_of_band=True))
        engine.execute(CancelReply(turn, reply))
        return
    if course == "typed":
        turn, reply = caller.type("Hello.")
    else:
        turn = caller.open_turn(bytes(2_048))
    if course == "dropped":
        engine.execute(DropTurn(turn))
        return
    if course == "flushed":
        eager = uuid4()
        engine.execute(FlushTurn(turn, eager, ()))
        engine.execute(CancelReply(turn, eager))
    if course != "typed":
        engine.execute(EndTurn(turn, reply, ()))
    await engine.wait_until_executed()
    if course == "not understood":
        stages.fail(turn)
    else:
        stages.transcribe(turn, reply)
        stages.respond(turn, reply)
        stages.synthesize(turn, reply)
    if course == "interrupted":
        engine.execute(CancelReply(turn, reply))
    record = caller.close(turn, reply)
    await engine.wait_until_executed()
    stages.archive(turn, 1)
    engine.archive_turn(replace(record, heard_ms=1))
    await engine.wait_until_executed()
    stages.archive(turn, 2)


COURSES = ("typed", "spoken", "dropped", "flushed", "not understood", "interrupted", "out of band")


async def test_what_comes_for_a_turn_that_is_long_over_is_ignored(
    published: FakePublisher,
) -> None:
    async with asyncio.timeout(PATIENCE), Caller.calling(spec()) as caller:
        engine = caller.engine
        assert isinstance(engine, CascadeEngine)
        stages = Stages(engine)
        turn, reply = caller.type("Hello.")
        record = caller.close(turn, reply, kind="text")
        for _ in range(MOST_CLOSED + 1):
            await one_turn(caller, stages, "typed")
            await engine._writer._archive_queue.wait_until_empty()
        published.requests.clear()
        caller.events.clear()
        engine.archive_turn(record)
        engine.execute(SendAudio(turn, bytes(2_048)))
        engine.execute(CancelReply(turn, reply))
        stages.respond(turn, reply)
        await engine.wait_until_executed()
    assert turn not in published.turns("archive")
    assert not caller.events


async def test_what_is_known_of_a_turn_goes_with_it(published: FakePublisher) -> None:
    async with asyncio.timeout(4 * PATIENCE), Caller.calling(spec()) as caller:
        engine = caller.engine
        assert isinstance(engine, CascadeEngine)
        stages, sizes = Stages(engine), []
        for number in range(TURNS):
            await one_turn(caller, stages, COURSES[number % len(COURSES)])
            caller.events.clear()
            published.requests.clear()
            if number + 1 in (WARM, TURNS):
                await engine._writer._background.drain()
                await engine._writer._archive_queue.wait_until_empty()
                sizes.append(held_by(engine))
        warm, end = sizes
    assert end.total() <= 1.1 * warm.total(), end - warm

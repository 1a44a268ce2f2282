"""Which turns of a session are remembered, and until when."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from interaction.bus.redis_client import close_redis
from interaction.bus.stage_watchdog import StageWatchdog
from interaction.bus.watched_publisher import WatchedPublisher
from interaction.core.records import TurnRecord
from interaction.tests.cascade.caller import spec
from interaction.tests.cascade.conftest import published as published
from interaction.tests.fakes.publishing import FakePublisher
from interaction.turn_records.archive_queue import MOST_CLOSED, ArchiveQueue


def record(turn: UUID) -> TurnRecord:
    return TurnRecord(turn, 1, "text", "Hi", "Hello", "", None, False, "played", None)


@pytest.mark.usefixtures("redis_client")
async def test_a_fact_that_waits_behind_many_turns_reaches_the_archive(
    published: FakePublisher,
) -> None:
    forgotten: list[UUID] = []
    stages = WatchedPublisher(StageWatchdog(), lambda *_, **__: None)
    queue = ArchiveQueue(spec(), stages, forgotten.append)
    first, others = uuid4(), [uuid4() for _ in range(MOST_CLOSED + 1)]
    for turn in (first, *others):
        queue.open_turn(turn, 1, "text")
        queue.enqueue(record(turn))
    queue.enqueue(record(first))
    queue.start("")
    await queue.wait_until_empty()
    assert published.turns("archive") == [first, *others, first]
    assert forgotten == others[:2]
    await queue.stop()
    await close_redis()


@pytest.mark.usefixtures("redis_client")
async def test_what_is_learnt_of_another_engines_turn_is_archived_once_more(
    published: FakePublisher,
) -> None:
    stages = WatchedPublisher(StageWatchdog(), lambda *_, **__: None)
    queue = ArchiveQueue(spec(), stages)
    others, own, forgotten = uuid4(), uuid4(), uuid4()
    queue.enqueue(record(others))  # its number is 1, and none was opened here
    queue.open_turn(own, 2, "text")
    queue.enqueue(replace(record(forgotten), sequence=3))
    queue.start("")
    await queue.wait_until_empty()
    assert published.turns("archive") == [others]
    await queue.stop()
    await close_redis()

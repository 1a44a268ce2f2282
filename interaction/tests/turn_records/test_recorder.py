"""What a realtime turn leaves in Redis, and how much work that is."""

from __future__ import annotations

from uuid import uuid4

from redis import Redis

from interaction.bus import redis_keys
from interaction.bus.redis_client import close_redis
from interaction.bus.stage_watchdog import StageWatchdog
from interaction.bus.watched_publisher import WatchedPublisher
from interaction.core.types import FRAME_SAMPLES
from interaction.tests.cascade.caller import spec
from interaction.turn_records.archive_queue import ArchiveQueue
from interaction.turn_records.recorder import TurnRecorder


async def test_two_frames_are_one_write(redis_client: Redis) -> None:
    stages = WatchedPublisher(StageWatchdog(), lambda *_, **__: None)
    queue = ArchiveQueue(spec(), stages)
    recorder = TurnRecorder(spec(), queue)
    recorder.start()
    turn, opening = uuid4(), 1
    recorder.open_turn(turn, 1, "speech")
    for _ in range(9):
        recorder.feed_user_audio(turn, bytes(2 * FRAME_SAMPLES))
    assert recorder._writes.qsize() == opening + 4
    recorder.feed_user_audio(turn, b"", last=True)
    assert recorder._writes.qsize() == opening + 5
    await recorder.wait_until_written()
    assert redis_client.xlen(redis_keys.turn_audio(turn)) == 5
    await recorder.stop()
    await close_redis()

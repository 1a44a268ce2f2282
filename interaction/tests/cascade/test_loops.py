"""Every loop in the background survives a bug: it is logged, and the next step is taken."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis
from channels.layers import get_channel_layer
from redis.asyncio.lock import Lock

from interaction.bus import redis_keys
from interaction.bus.audio_streams import AudioLost, Entry, Kind, StreamWriter
from interaction.bus.hub import hub
from interaction.bus.redis_client import close_redis, get_redis
from interaction.bus.stage_messages import StageReport, StageRequest, pack_report
from interaction.bus.stage_watchdog import Job, StageWatchdog
from interaction.bus.watched_publisher import WatchedPublisher
from interaction.cascade.stage import StageRun, run_stage
from interaction.core.events import StageFailed
from interaction.core.orders import EndTurn
from interaction.tests.cascade.caller import PATIENCE, Caller, eventually, spec
from interaction.tests.fakes.publishing import FakePublisher
from interaction.turn_records.archive import archive_turn
from interaction.turn_records.archive_queue import ArchiveQueue
from interaction.turn_records.note_fields import Note
from interaction.turn_records.recorder import TurnRecorder
from interaction.turn_records.turn_notes import NotesWriter, TurnNotes
from voiceproject.testing.stack import Worker

pytestmark = pytest.mark.usefixtures("redis_client")


SECRET = "what was said"
"""The text of every bug."""


class Engine:
    """A listener of the hub that crashes when it is told to."""

    def __init__(self) -> None:
        self.session_id = uuid4()
        self.turn = uuid4()
        self.crash_at = ""
        """Name of the method that crashes the next time."""
        self.reported = asyncio.Event()
        self.checked = asyncio.Event()
        self.asked = asyncio.Event()

    def on_report(self, report: StageReport, now: float) -> None:
        self._crash_if("on_report")
        self.reported.set()

    def check_stages(self, now: float, linked: bool) -> None:
        self._crash_if("check_stages")
        self.checked.set()

    def open_turns(self) -> list[UUID]:
        self._crash_if("open_turns")
        self.asked.set()
        return [self.turn]

    def _crash_if(self, method: str) -> None:
        if self.crash_at == method:
            self.crash_at = ""
            raise bug()


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    joined = Engine()
    await hub().join(joined)
    async with asyncio.timeout(PATIENCE):
        yield joined
    await hub().leave(joined)


@pytest.fixture
async def client() -> AsyncIterator[Any]:
    async with asyncio.timeout(PATIENCE):
        yield get_redis()
    await close_redis()


def bug() -> RuntimeError:
    return RuntimeError(SECRET)


def once(method: Callable[..., Any]) -> Callable[..., Any]:
    """``method``, whose next call crashes."""
    bugs = [bug()]

    async def crashing(*args: Any, **kwargs: Any) -> Any:
        if bugs:
            raise bugs.pop()
        return await method(*args, **kwargs)

    return crashing


async def crashes(caplog: pytest.LogCaptureFixture, name: str) -> None:
    """Wait until ``name`` has crashed, which is logged without the bug's text."""
    await eventually(lambda: f"{name} crashed" in caplog.text)
    assert "RuntimeError" in caplog.text
    assert SECRET not in caplog.text


async def test_the_hub_receives_reports_after_one_that_is_none(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    report = StageReport(engine.session_id, Job("llm", engine.turn, engine.turn), 0, "beat")
    layer = get_channel_layer()
    await layer.send(hub().channel, {"type": "cascade.report"})
    await layer.send(hub().channel, pack_report(report))
    await engine.reported.wait()
    assert "hub: receive reports crashed: builtins.KeyError" in caplog.text


async def test_one_sessions_bug_silences_no_other(engine: Engine) -> None:
    other = Engine()
    await hub().join(other)
    engine.crash_at = "check_stages"
    other.checked.clear()
    await other.checked.wait()
    engine.checked.clear()
    await engine.checked.wait()
    report = StageReport(engine.session_id, Job("llm", engine.turn, engine.turn), 0, "beat")
    engine.crash_at = "on_report"
    for _ in range(2):
        await get_channel_layer().send(hub().channel, pack_report(report))
    await engine.reported.wait()
    await hub().leave(other)


async def test_the_hub_goes_on_echoing(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    shared = hub()
    monkeypatch.setattr(shared._layer, "send", once(shared._layer.send))
    await crashes(caplog, "hub: echo")
    before = shared._echoed_at
    await eventually(lambda: shared._echoed_at > before)


async def test_the_hub_goes_on_checking_stages(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("interaction.bus.hub.ECHO_WITHIN", "no number")
    await eventually(lambda: "hub: check stages crashed: builtins.TypeError" in caplog.text)
    monkeypatch.undo()
    engine.checked.clear()
    await engine.checked.wait()


async def test_the_hub_goes_on_keeping_sessions_alive(
    engine: Engine, redis_client: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    engine.crash_at = "open_turns"
    redis_client.delete(redis_keys.turn_live(engine.turn))
    await crashes(caplog, "hub: keep sessions alive")
    await eventually(lambda: redis_client.exists(redis_keys.turn_live(engine.turn)))


async def test_the_reader_reads_on_when_a_piece_crashes_who_gets_it(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    reply, got = uuid4(), asyncio.Queue[bytes]()

    def deliver(entry: Entry | AudioLost) -> None:
        assert isinstance(entry, Entry)
        if entry.number == 0:
            raise bug()
        got.put_nowait(entry.body)

    hub().reader.follow(reply, engine.turn, deliver)
    key = redis_keys.sentence_audio(reply, 0)
    writer = StreamWriter(get_redis(), key, engine.session_id, engine.turn, reply)
    await writer.append(Kind.AUDIO, b"lost")
    await writer.append(Kind.AUDIO, b"kept")
    assert await got.get() == b"kept"
    await crashes(caplog, "hub: read replies")


async def test_a_reader_that_is_not_woken_reads_all_the_same(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    reader, reply, got = hub().reader, uuid4(), asyncio.Event()
    monkeypatch.setattr(reader, "_wake", once(reader._wake))
    reader.follow(reply, engine.turn, lambda entry: got.set())
    key = redis_keys.sentence_audio(reply, 0)
    await StreamWriter(get_redis(), key, engine.session_id, engine.turn, reply).append(
        Kind.AUDIO, b"ab"
    )
    await got.wait()
    await crashes(caplog, "hub: wake the reader")


async def test_an_order_that_crashes_costs_its_turn_alone(
    published: FakePublisher, monkeypatch: pytest.MonkeyPatch, redis_client: redis.Redis
) -> None:
    async with asyncio.timeout(PATIENCE), Caller.calling(spec()) as caller:
        monkeypatch.setattr(StreamWriter, "append", once(StreamWriter.append))
        lost, kept = caller.open_turn(bytes(4_096)), caller.open_turn(bytes(4_096))
        failed = await caller.until(StageFailed, lambda event: event.turn_id == lost)
        assert (failed.stage, failed.code) == ("stt", "redis_unavailable")
        caller.engine.execute(EndTurn(kept, uuid4(), ()))
        await caller.engine.wait_until_executed()
        assert redis_client.xlen(redis_keys.turn_audio(kept))


async def test_the_loop_that_executes_orders_survives_a_bug_of_its_queue(
    published: FakePublisher, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with asyncio.timeout(PATIENCE), Caller.calling(spec()) as caller:
        orders = caller.engine._writer._orders  # type: ignore[attr-defined]
        caller.type("It waits for the next order.")
        await caller.engine.wait_until_executed()
        monkeypatch.setattr(orders, "next_order", once(orders.next_order))
        caller.type("Then it crashes.")
        await crashes(caplog, "turn writer: execute orders")
        turn, _ = caller.type("And goes on.")
        await caller.engine.wait_until_executed()
        await eventually(lambda: turn in published.turns("llm"))


async def test_a_note_that_crashes_the_recorder_keeps_no_other_from_being_written(
    published: FakePublisher,
    client: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    failures: list[Any] = []
    stages = WatchedPublisher(StageWatchdog(), lambda *args, **_: failures.append(args))
    queue = ArchiveQueue(spec(), stages)
    recorder = TurnRecorder(spec(), queue)
    queue.start("")
    recorder.start()
    turn = uuid4()
    recorder.open_turn(turn, 1, "text")
    monkeypatch.setattr(TurnNotes, "write", once(TurnNotes.write))
    recorder.note(turn, Note.transcript("lost"))
    recorder.note(turn, Note.metric("llm_ttft", 1.0))
    await recorder.wait_until_written()
    await crashes(caplog, "recorder: write")
    content = await TurnNotes(client, turn).read()
    assert (content.transcript, content.metrics) == ("", {"llm_ttft": 1.0})
    await recorder.stop()
    await queue.stop()


async def test_notes_behind_a_stage_are_written_after_some_that_crashed(
    client: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    notes = TurnNotes(client, uuid4())
    writer = NotesWriter(notes)
    monkeypatch.setattr(TurnNotes, "write", once(TurnNotes.write))
    writer.note(Note.transcript("lost"))
    await writer.flush()
    writer.note(Note.metric("llm_ttft", 1.0))
    await writer.flush()
    await crashes(caplog, "notes: write")
    assert (await notes.read()).metrics == {"llm_ttft": 1.0}


async def test_a_stage_beats_on_after_a_beat_that_crashed(
    client: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    beat, beats, again = TurnNotes.beat, list[Job](), asyncio.Event()

    async def crashing(self: TurnNotes, job: Job, session: UUID) -> Any:
        beats.append(job)  # the first one comes with the claim
        if len(beats) == 2:
            raise bug()
        if len(beats) > 2:
            again.set()
        return await beat(self, job, session)

    async def work(run: StageRun) -> None:
        await again.wait()

    monkeypatch.setattr(TurnNotes, "beat", crashing)
    with caplog.at_level(logging.INFO):
        await run_stage(StageRequest(spec(), uuid4(), "", "llm", uuid4()), work, deadline=PATIENCE)
    assert "stage finished" in caplog.text
    await crashes(caplog, "llm stage: beat")


async def test_an_archivers_lock_is_renewed_after_a_renewal_that_crashed(
    client: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    reacquire, renewals, again = Lock.reacquire, list[Lock](), asyncio.Event()

    async def crashing(self: Lock) -> bool:
        renewals.append(self)
        if len(renewals) == 1:
            raise bug()
        again.set()
        return await reacquire(self)

    async def wait(self: TurnNotes, within: float) -> None:
        await again.wait()

    monkeypatch.setattr(Lock, "reacquire", crashing)
    monkeypatch.setattr(TurnNotes, "wait_until_idle", wait)
    monkeypatch.setattr("interaction.turn_records.archive.LOCK", 0.5)
    await archive_turn(client, StageRequest(spec(), uuid4(), "", "archive"))
    await crashes(caplog, "archive: renew the lock")


async def test_a_worker_obeys_cancellations_after_one_that_is_none(
    worker: Worker, redis_client: redis.Redis
) -> None:
    channel = redis_keys.CANCEL_CHANNEL
    await eventually(lambda: redis_client.publish(channel, b"no id"))
    await asyncio.to_thread(worker.wait_for_log, "obey cancellations crashed: builtins.ValueError")
    await eventually(lambda: redis_client.publish(channel, uuid4().bytes))

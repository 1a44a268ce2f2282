"""The driver of a conversation: what it hands on, and when."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, ClassVar
from uuid import uuid4

import pytest

from interaction.audio.vad import FRAME_BYTES, SpeechDetector
from interaction.core.commands import (
    AudioSent,
    CommitTurn,
    InterruptReply,
    PlaybackReport,
    SendText,
)
from interaction.core.config import ConversationConfig
from interaction.core.events import (
    AnalyserVerdict,
    EngineSpeechStarted,
    Event,
    MetricMeasured,
    ReplyAudio,
    ReplySentence,
)
from interaction.core.news import (
    Failure,
    News,
    PlayAudio,
    ReplyHeard,
    ReplyInterrupted,
    ReplyStarted,
    StatusChanged,
    TranscriptUpdated,
)
from interaction.core.orders import CancelReply, DropTurn, Effect, EngineOrder, Respond
from interaction.core.records import TurnRecord
from interaction.core.turn_machine import TurnMachine
from interaction.core.turn_taking.engine_detected import EngineTurnDetection
from interaction.core.types import FRAME_MS, EndReason, Frame
from interaction.sessions.analysers import OffLoopAnalyser
from interaction.sessions.driver import FRAMES_ON_LOOP, ConversationDriver, _vad_thread
from interaction.sessions.totals import TurnTotals
from interaction.tests.fakes.quiet_engine import QuietEngine


@asynccontextmanager
async def running(driver: ConversationDriver) -> AsyncIterator[None]:
    """The driver, its engine open, until the end of the block."""
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(driver.run())
        await driver._ready.wait()
        yield
        await driver.stop("ended")


class SlowToOpen(QuietEngine):
    """It takes its time to open, and must get no order before."""

    def __init__(self) -> None:
        super().__init__()
        self.may_open = asyncio.Event()
        self.has_executed = asyncio.Event()

    async def open(self) -> None:
        await self.may_open.wait()

    def execute(self, order: EngineOrder) -> None:
        assert self.may_open.is_set(), "an order before the engine was open"
        super().execute(order)

    async def wait_until_executed(self) -> None:
        await self.has_executed.wait()


async def test_what_is_said_while_the_engine_opens_is_kept_in_order() -> None:
    engine, news = SlowToOpen(), list[News]()
    driver = ConversationDriver(ConversationConfig(), engine, news.append)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(driver.run())
        driver.feed_audio(b"\0" * 4_000)
        driver.submit(SendText("good morning"))
        await asyncio.sleep(0)
        assert not news
        engine.may_open.set()
        order = await engine.next_order()
        assert isinstance(order, Respond)
        assert order.context[-1].content == "good morning"
        assert StatusChanged("responding") in news
        summary = await driver.stop("ended")
    assert summary.turns == 1
    assert [record.end_reason for record in engine.records] == ["stopped"]
    assert engine.is_closed


async def test_a_commit_waits_for_the_audio_before_it() -> None:
    engine, news = SlowToOpen(), list[News]()
    engine.may_open.set()
    engine.has_executed.set()
    driver = ConversationDriver(ConversationConfig(), engine, news.append)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(driver.run())
        driver.feed_audio(b"\0" * 64_000)
        driver.submit(CommitTurn())
        await driver.wait_until_consumed()
        assert [type(one).__name__ for one in news] == ["Failure"]
        await driver.stop("ended")


async def test_a_recording_waits_until_what_came_before_has_been_passed_on() -> None:
    engine = SlowToOpen()
    engine.may_open.set()
    driver = ConversationDriver(ConversationConfig(), engine, lambda _: None)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(driver.run())
        driver.feed_audio(b"\0" * 64_000)
        waiting = tasks.create_task(driver.wait_until_consumed())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(waiting), 0.2)
        engine.has_executed.set()
        await waiting
        await driver.stop("ended")


async def test_a_bug_in_an_event_ends_the_run_and_closes_the_engine() -> None:
    engine = SlowToOpen()
    engine.may_open.set()
    driver = ConversationDriver(ConversationConfig(), engine, lambda _: None)
    running = asyncio.create_task(driver.run())
    driver.submit(SendText("hello"))
    order = await engine.next_order()
    assert not isinstance(order, DropTurn)
    engine.pending.put_nowait(MetricMeasured(order.turn_id, "llm_ttft", "seven"))  # type: ignore[arg-type, union-attr]
    with pytest.raises(ExceptionGroup) as broken:
        await running
    assert broken.group_contains(TypeError)
    assert engine.is_closed


async def test_a_second_bug_while_it_hangs_up_leaves_no_engine_open() -> None:
    engine = SlowToOpen()
    engine.may_open.set()

    def on_news(one: News) -> None:
        if one == StatusChanged("listening"):
            raise RuntimeError("a second bug")

    driver = ConversationDriver(ConversationConfig(), engine, on_news)
    running = asyncio.create_task(driver.run())
    driver.submit(SendText("hello"))
    order = await engine.next_order()
    engine.pending.put_nowait(MetricMeasured(order.turn_id, "llm_ttft", "seven"))  # type: ignore[arg-type, union-attr]
    with pytest.raises(RuntimeError, match="a second bug"):
        await running
    assert engine.is_closed


async def test_audio_that_was_analysed_as_the_session_ended_opens_no_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(SpeechDetector, "probability", lambda self, pcm: 1.0)
    engine = QuietEngine()
    driver = ConversationDriver(ConversationConfig(), engine, lambda _: None)
    async with running(driver):
        driver.feed_audio(bytes(FRAME_BYTES) * (FRAMES_ON_LOOP + 1))
        await asyncio.sleep(0)
        _vad_thread.submit(int).result()  # the frames before it are analysed
        await asyncio.sleep(0)
        await driver.stop("ended")
    assert not engine.orders


async def test_what_the_engine_reported_as_the_session_ended_opens_no_turn() -> None:
    engine = SlowToOpen()
    engine.may_open.set()
    config = ConversationConfig(turn_detection=EngineTurnDetection())
    driver = ConversationDriver(config, engine, lambda _: None)
    async with running(driver):
        await asyncio.sleep(0)
        engine.pending.put_nowait(EngineSpeechStarted())
        await driver.stop("ended")
    assert not engine.orders


async def test_audio_behind_a_command_is_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("interaction.sessions.driver.MAX_PENDING_BYTES", 3 * FRAME_BYTES)
    engine, news = SlowToOpen(), list[News]()
    driver = ConversationDriver(ConversationConfig(), engine, news.append)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(driver.run())
        driver.submit(SendText("hello"))
        for number in range(5):
            driver.feed_audio(bytes([number]) * FRAME_BYTES)
        waiting = [piece[0] for piece in driver._inbox if isinstance(piece, bytes)]
        assert waiting == [2, 3, 4]
        assert [one.code for one in news if isinstance(one, Failure)] == ["audio_dropped"] * 2
        engine.may_open.set()
        assert isinstance(await engine.next_order(), Respond)
        await driver.stop("ended")


class TestFromWithinNews:
    """What ``on_news`` calls is carried out after the effects in hand."""

    async def test_a_command_comes_after_the_news_of_the_step(self) -> None:
        engine, news = QuietEngine(), list[News]()

        def on_news(one: News) -> None:
            news.append(one)
            if isinstance(one, ReplyStarted):
                driver.submit(InterruptReply(reply_id=one.reply_id))

        driver = ConversationDriver(ConversationConfig(), engine, on_news)
        async with running(driver):
            driver.submit(SendText("hello"))
            assert [type(one) for one in news] == [
                TranscriptUpdated,
                ReplyStarted,
                StatusChanged,
                ReplyInterrupted,
                ReplyHeard,
                StatusChanged,
            ]
        assert [type(order) for order in engine.orders] == [Respond, CancelReply]

    async def test_commands_keep_their_order(self) -> None:
        engine, texts = QuietEngine(), ["one", "two", "three"]

        def on_news(one: News) -> None:
            if isinstance(one, TranscriptUpdated) and one.text == "zero":
                for text in texts:
                    driver.submit(SendText(text))

        driver = ConversationDriver(ConversationConfig(), engine, on_news)
        async with running(driver):
            driver.submit(SendText("zero"))
        asked = [order for order in engine.orders if isinstance(order, Respond)]
        assert [order.context[-1].content for order in asked] == ["zero", *texts]
        assert [order.sequence for order in asked] == [1, 2, 3, 4]

    async def test_another_engine_takes_over_after_the_effects_for_the_old_one(self) -> None:
        old, new = QuietEngine(), QuietEngine()

        def on_news(one: News) -> None:
            if isinstance(one, ReplyStarted) and not new.orders:
                driver.switch_engine(lambda messages: new)
                driver.submit(SendText("and now you"))

        driver = ConversationDriver(ConversationConfig(), old, on_news)
        async with running(driver):
            driver.submit(SendText("hello"))
            await new.next_order()
        assert [type(order) for order in old.orders] == [Respond, CancelReply]
        assert [record.sequence for record in old.records] == [1]
        assert [order.sequence for order in new.orders if isinstance(order, Respond)] == [2]
        assert old.is_closed

    async def test_what_is_learnt_late_of_an_old_turn_is_archived_by_the_new_engine(
        self,
    ) -> None:
        old, new, told = QuietEngine(), QuietEngine(), list[News]()
        plays = asyncio.Event()

        def on_news(one: News) -> None:
            told.append(one)
            if isinstance(one, PlayAudio):
                plays.set()

        driver = ConversationDriver(ConversationConfig(), old, on_news)
        async with running(driver):
            driver.submit(SendText("hello"))
            order = await old.next_order()
            assert isinstance(order, Respond)
            pcm = b"\1\0" * 24_000
            old.pending.put_nowait(ReplySentence(order.reply_id, 0, "One two."))
            old.pending.put_nowait(ReplyAudio(order.reply_id, 0, 0, pcm))
            await plays.wait()
            driver.submit(AudioSent(order.reply_id))
            driver.switch_engine(lambda messages: new)
            driver.submit(SendText("and now you"))
            await new.next_order()
            driver.submit(PlaybackReport(order.reply_id, 700, ended=True))
        assert [(r.end_reason, r.sequence) for r in old.records] == [("mode_changed", 1)]
        late = new.records[0]
        assert (late.end_reason, late.sequence, late.heard_ms) == ("mode_changed", 1, 700)
        heard = [one.heard_ms for one in told if isinstance(one, ReplyHeard)]
        assert heard[1] == 700

    async def test_a_bug_leaves_nothing_behind_for_the_next_step(self) -> None:
        engine = QuietEngine()

        def on_news(one: News) -> None:
            if isinstance(one, ReplyStarted):
                driver.submit(InterruptReply())
                raise RuntimeError("a bug")

        driver = ConversationDriver(ConversationConfig(), engine, on_news)
        async with running(driver):
            with pytest.raises(RuntimeError, match="a bug"):
                driver.submit(SendText("hello"))
            await driver.stop("client_left")
        assert not any(isinstance(order, CancelReply) for order in engine.orders)


class Level:
    """An analyser: the first byte of what it gets."""

    def __init__(self, *, off_loop: bool, fails: bool = False) -> None:
        self.name, self.off_loop, self._fails = "level", off_loop, fails
        self.pieces: list[bytes] = []
        self.threads: list[str] = []

    def analyse(self, pcm: bytes) -> float:
        self.pieces.append(pcm)
        self.threads.append(threading.current_thread().name)
        if self._fails:
            raise RuntimeError(SPOKEN)
        return float(pcm[0])


SPOKEN = " ".join(("words", "that", "somebody", "spoke"))


class RecordingMachine(TurnMachine):
    """Keeps the frames and the verdicts that it gets."""

    frames: ClassVar[list[Frame]] = []
    verdicts: ClassVar[asyncio.Queue[AnalyserVerdict]]

    def on_frame(self, frame: Frame, now: float) -> list[Effect]:
        self.frames.append(frame)
        return super().on_frame(frame, now)

    def on_event(self, event: Event, now: float) -> list[Effect]:
        if isinstance(event, AnalyserVerdict):
            self.verdicts.put_nowait(event)
        return super().on_event(event, now)


class TestAnalysers:
    @pytest.fixture(autouse=True)
    def _recorded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("interaction.sessions.driver.TurnMachine", RecordingMachine)
        RecordingMachine.frames.clear()
        RecordingMachine.verdicts = asyncio.Queue()

    async def test_one_on_the_loop_measures_each_frame(self) -> None:
        level = Level(off_loop=False)
        driver = ConversationDriver(
            ConversationConfig(), QuietEngine(), lambda _: None, analysers=[level]
        )
        async with running(driver):
            driver.feed_audio(b"".join(bytes([n]) * FRAME_BYTES for n in range(3)))
            await driver.wait_until_consumed()
        measured = [frame.analysis for frame in RecordingMachine.frames]
        assert measured == [{"level": n} for n in (0.0, 1.0, 2.0)]

    async def test_one_off_the_loop_gives_its_verdict_later(self) -> None:
        level, verdicts = Level(off_loop=True), RecordingMachine.verdicts
        driver = ConversationDriver(
            ConversationConfig(), QuietEngine(), lambda _: None, analysers=[level]
        )
        async with running(driver):
            driver.feed_audio(bytes([7]) * FRAME_BYTES)
            assert await verdicts.get() == AnalyserVerdict("level", 7.0, FRAME_MS)
            driver.feed_audio(bytes([8]) * FRAME_BYTES * 2)
            assert await verdicts.get() == AnalyserVerdict("level", 8.0, 3 * FRAME_MS)
        assert b"".join(level.pieces) == bytes([7]) * FRAME_BYTES + bytes([8]) * FRAME_BYTES * 2
        assert all(name.startswith("analyser") for name in level.threads)

    async def test_one_that_breaks_is_logged_once_and_not_asked_again(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        level = Level(off_loop=True, fails=True)
        analyser = OffLoopAnalyser(level, lambda verdict: None)
        analyser.feed_frame(bytes(FRAME_BYTES))
        await analyser.run()
        analyser.feed_frame(bytes(FRAME_BYTES))
        assert len(level.pieces) == 1
        assert [record.message for record in caplog.records] == [
            "an analyser crashed: builtins.RuntimeError"
        ]
        assert SPOKEN not in caplog.text

    async def test_one_that_breaks_does_not_end_the_conversation(self) -> None:
        level, engine = Level(off_loop=True, fails=True), QuietEngine()
        driver = ConversationDriver(ConversationConfig(), engine, lambda _: None, analysers=[level])
        async with running(driver):
            driver.feed_audio(bytes(FRAME_BYTES))
            await driver.wait_until_consumed()
            driver.submit(SendText("hello"))
            assert any(isinstance(order, Respond) for order in engine.orders)


def record(sequence: int, end_reason: EndReason = "played", *, interrupted: bool = False) -> Any:
    return TurnRecord(
        turn_id=uuid4(),
        sequence=sequence,
        kind="text",
        transcript="",
        reply="",
        heard_text="",
        heard_ms=None,
        interrupted=interrupted,
        end_reason=end_reason,
        reply_id=None,
    )


def test_a_turn_whose_record_comes_again_is_counted_once() -> None:
    totals = TurnTotals(amendable=2)
    totals.count(record(1, "interrupted", interrupted=True))
    totals.count(record(2))
    totals.count(record(1, "interrupted", interrupted=True))
    totals.count(record(2, "failed"))
    totals.count(record(2))
    totals.count(record(3, "failed"))
    summary = totals.summary(1.26)
    assert (summary.turns, summary.interrupted, summary.failed) == (3, 1, 1)
    assert summary.seconds == 1.3

"""When a realtime engine gives its connection up, for whom, and when it tries again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from interaction.core.engine import SessionSpec
from interaction.core.events import EngineLost, ReplyText
from interaction.core.orders import StreamAudio
from interaction.core.turn_taking.engine_detected import EngineTurnDetection
from interaction.providers.errors import ProviderError, ProviderUnavailable
from interaction.providers.openai.realtime import RealtimeConnection
from interaction.realtime.engine import RealtimeEngine
from interaction.realtime.provider_connection import ProviderConnection
from interaction.tests.cascade.caller import Caller
from interaction.tests.realtime.tones import tone
from interaction.tests.standins.openai_realtime import Plan, Standin

Session = Callable[..., SessionSpec]
SERVER = EngineTurnDetection("server")


def gone() -> ProviderUnavailable:
    return ProviderUnavailable("It is gone.", stage="realtime", provider="openai")


async def test_a_provider_that_hears_but_never_answers_is_given_up(
    standin: Standin, archiving: None, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("interaction.realtime.engine.RESPONSE_TIMEOUT", 0.3)
    standin.plans = [Plan(fault="silent"), Plan(fault="silent")]
    async with Caller.calling(session(), RealtimeEngine) as caller:
        turn = caller.open_turn(tone(0.5))
        caller.end(turn)
        assert (await caller.failure(turn)).code == "provider_timeout"
        caller.end(caller.open_turn(tone(0.5)))
        assert (await caller.until(EngineLost)).code == "provider_timeout"


async def test_listening_does_not_call_a_server_that_hangs_up_without_end(
    standin: Standin, archiving: None, session: Session
) -> None:
    standin.hangs_up = True
    async with Caller.calling(session(turns=SERVER), RealtimeEngine) as caller:
        await caller.until(EngineLost)
        for _ in range(50):
            caller.engine.execute(StreamAudio(tone(0.032)))
            await asyncio.sleep(0.01)
    assert len(standin.connections) == 2


async def test_a_provider_that_was_away_is_listened_to_by_again_after_a_pause(
    standin: Standin, archiving: None, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("interaction.realtime.provider_connection.FIRST_BACKOFF", 0.05)
    standin.refuses = 503
    async with Caller.calling(session(turns=SERVER), RealtimeEngine) as caller:
        await caller.until(EngineLost)
        standin.refuses = None
        hears = asyncio.create_task(standin.until("input_audio_buffer.append"))
        while not hears.done():
            caller.engine.execute(StreamAudio(tone(0.032)))
            await asyncio.sleep(0.01)
        await hears


async def test_the_pause_grows_until_a_reply_has_come(
    standin: Standin, archiving: None, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    standin.refuses = 503
    connection = ProviderConnection(session(), ())
    monkeypatch.setattr(connection, "_now", lambda: clock[0])
    for pause in (1, 2, 4, 8, 16, 30, 30):
        with pytest.raises(ProviderError):
            await connection.ensure_open()
        pauses = []
        for seconds in (pause - 0.1, 0.2):
            clock[0] += seconds
            pauses.append(connection.is_backing_off)
        assert pauses == [True, False]
    connection.mark_working()
    with pytest.raises(ProviderError):
        await connection.ensure_open()
    clock[0] += 1.1
    assert not connection.is_backing_off
    await connection.close()


async def test_a_break_that_is_told_twice_costs_one_line(
    standin: Standin, archiving: None, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed, first, pending = (
        RealtimeConnection.feed_audio,
        list[RealtimeConnection](),
        asyncio.Event(),
    )

    async def feed_late(self: RealtimeConnection, pcm: bytes) -> None:
        if not first:
            first.append(self)
            pending.set()
            await standin.connected(2)
            raise gone()
        await feed(self, pcm)

    monkeypatch.setattr(RealtimeConnection, "feed_audio", feed_late)
    async with Caller.calling(session(), RealtimeEngine) as caller:
        turn = caller.open_turn(tone(0.5))
        await pending.wait()
        await standin.hang_up()
        await standin.connected(2)
        await caller.reply_to_its_end(caller.end(turn))
    assert len(standin.connections) == 2
    assert not [event for event in caller.events if isinstance(event, EngineLost)]


async def test_a_line_that_is_lost_as_soon_as_it_is_open_is_not_the_last_to_be_followed(
    standin: Standin, archiving: None, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    ensure_open, opened = ProviderConnection.ensure_open, list[Any]()

    async def open_for_a_moment(self: ProviderConnection) -> Any:
        connection = await ensure_open(self)
        if connection in opened:
            return connection
        opened.append(connection)
        if len(opened) == 2:
            self.drop()
            raise gone()
        return connection

    monkeypatch.setattr(ProviderConnection, "ensure_open", open_for_a_moment)
    async with Caller.calling(session(), RealtimeEngine) as caller:
        _turn, reply = caller.type("One")
        await caller.reply_to_its_end(reply)
        await standin.hang_up()
        await caller.until(EngineLost)
        _turn, reply = caller.type("Two")
        await caller.reply_to_its_end(reply)
    assert len(opened) == 3


async def test_an_error_of_our_own_costs_a_turn_and_leaves_nothing_behind(
    standin: Standin, archiving: None, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    standin.plans = [Plan("One."), Plan("Two.")]
    emit_audio = RealtimeEngine._emit_audio

    def crash(self: RealtimeEngine, *_: Any) -> None:
        monkeypatch.setattr(RealtimeEngine, "_emit_audio", emit_audio)
        raise RuntimeError

    async with Caller.calling(session(), RealtimeEngine) as caller:
        monkeypatch.setattr(RealtimeEngine, "_emit_audio", crash)
        turn, _reply = caller.type("One")
        failed = await caller.failure(turn)
        assert (failed.code, failed.retryable) == ("engine_crashed", False)
        _turn, second = caller.type("Two")
        await caller.reply_to_its_end(second)
    assert [e.text for e in caller.events if isinstance(e, ReplyText)] == ["Two."]
    assert len(standin.connections) == 2

"""A live session without a socket: its engine, its bugs, its row."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, ClassVar
from uuid import uuid4

import pytest
from django.test import override_settings

from interaction.core.commands import SendText
from interaction.core.config import ConversationConfig
from interaction.core.engine import SessionSpec
from interaction.core.events import EngineLost
from interaction.core.news import Failure, ModeChanged, News
from interaction.core.orders import EngineOrder
from interaction.core.types import ProviderSelection
from interaction.models import Session
from interaction.sessions.create import PreparedSession
from interaction.sessions.live_session import _for_mode, open_session
from interaction.sessions.settings import SessionSettings
from interaction.tests.fakes.quiet_engine import QuietEngine

SPOKEN = " ".join(("words", "that", "somebody", "spoke"))


class PlainEngine(QuietEngine):
    """A test says what an order does."""

    made: ClassVar[list[PlainEngine]] = []
    on_order: ClassVar[Callable[[EngineOrder], None]]

    def __init__(self, spec: SessionSpec) -> None:
        super().__init__()
        self.spec = spec
        self.made.append(self)

    def execute(self, order: EngineOrder) -> None:
        type(self).on_order(order)


@pytest.fixture(autouse=True)
def _engine(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Any:
    PlainEngine.made.clear()
    monkeypatch.setattr(PlainEngine, "on_order", staticmethod(lambda order: None), raising=False)
    path = f"{PlainEngine.__module__}.{PlainEngine.__qualname__}"
    with override_settings(PARLEY_ENGINES={"cascade": path, "realtime": path}):
        yield


@pytest.mark.parametrize(
    ("chosen", "mode", "led"),
    [
        ("considered", "cascade", "considered"),
        ("considered", "realtime", "immediate"),
        ("immediate", "realtime", "immediate"),
        ("off", "realtime", "off"),
    ],
)
def test_where_two_turns_cannot_be_heard_at_once_nothing_is_considered(
    chosen: Any, mode: Any, led: str
) -> None:
    assert _for_mode(ConversationConfig(barge_in=chosen), mode).barge_in == led


def prepared(**spec: Any) -> PreparedSession:
    """A session without a row."""
    choice = (ProviderSelection("any"),)
    return PreparedSession(
        SessionSpec(uuid4(), 1, stt=choice, llm=choice, tts=choice, **spec),
        ConversationConfig(),
        SessionSettings(),
        has_row=False,
    )


@pytest.mark.parametrize(
    ("bug", "types"),
    [
        (ZeroDivisionError(SPOKEN), "builtins.ZeroDivisionError"),
        (
            ExceptionGroup(SPOKEN, [KeyError(SPOKEN), ExceptionGroup("", [OSError(SPOKEN)])]),
            "builtins.KeyError, builtins.OSError",
        ),
    ],
    ids=["one", "group"],
)
async def test_a_bug_is_logged_by_its_types_and_frames_and_not_its_words(
    bug: Exception, types: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken_order(order: EngineOrder) -> None:
        raise bug

    monkeypatch.setattr(PlainEngine, "on_order", staticmethod(broken_order))
    news: list[News] = []
    async with open_session(prepared, news.append) as live:
        live.submit(SendText("hello"))
        ending = await live.run()
    assert (ending.reason, ending.summary) == ("internal_error", None)
    assert isinstance(news[-1], Failure)
    assert news[-1].code == "internal_error"
    assert f"session broke: {types}" in caplog.text
    assert "broken_order" in caplog.text
    assert SPOKEN not in caplog.text


async def test_the_other_mode_steps_in_behind_the_news_of_the_loss() -> None:
    news: list[News] = []
    is_changed = asyncio.Event()

    def on_news(one: News) -> None:
        news.append(one)
        if isinstance(one, ModeChanged):
            is_changed.set()

    async with open_session(lambda: prepared(mode="realtime", auto_fallback=True), on_news) as live:
        running = asyncio.create_task(live.run())
        live.submit(SendText("hello"))
        PlainEngine.made[0].pending.put_nowait(EngineLost("any", "provider_unavailable", "", True))
        await is_changed.wait()
        live.hang_up("ended")
        await running
    assert news[-1] == ModeChanged("cascade", automatic=True)
    assert [engine.spec.mode for engine in PlainEngine.made] == ["realtime", "cascade"]
    assert "hello" in [message.content for message in PlainEngine.made[1].spec.history]


async def test_a_session_hung_up_before_it_runs_ends_at_once() -> None:
    async with open_session(prepared, lambda news: None) as live:
        live.hang_up("client_left")
        ending = await live.run()
    assert ending.reason == "client_left"
    assert ending.summary is not None
    assert ending.summary.turns == 0
    assert not await Session.objects.aexists()


async def test_a_bug_after_somebody_hung_up_is_logged_and_not_raised(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_session(prepared, lambda news: None) as live:

        def broken_order(order: EngineOrder) -> None:
            live.hang_up("ended")
            raise KeyError(SPOKEN)

        monkeypatch.setattr(PlainEngine, "on_order", staticmethod(broken_order))
        running = asyncio.create_task(live.run())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        live.submit(SendText("hello"))
        monkeypatch.setattr(PlainEngine, "on_order", staticmethod(lambda order: None))
        ending = await running
    assert ending.reason == "ended"
    assert "session broke: builtins.KeyError" in caplog.text
    assert SPOKEN not in caplog.text

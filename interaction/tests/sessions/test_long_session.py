"""A long session costs no more than a short one."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter

import pytest

from interaction.core.commands import AudioSent, PlaybackReport, SendText
from interaction.core.config import ConversationConfig
from interaction.core.events import ReplyAudio, ReplySentence, ReplyText
from interaction.core.news import News, PlayAudio, StatusChanged
from interaction.core.orders import EngineOrder, Respond
from interaction.core.records import TurnRecord
from interaction.sessions.driver import ConversationDriver
from interaction.tests.fakes.quiet_engine import QuietEngine


class ForgetfulEngine(QuietEngine):
    """Replies to every typed turn with a tenth of a second of audio, and keeps nothing."""

    def execute(self, order: EngineOrder) -> None:
        if isinstance(order, Respond):
            self.pending.put_nowait(ReplySentence(order.reply_id, 0, "Hello."))
            self.pending.put_nowait(ReplyText(order.reply_id, "Hello.", 1))
            self.pending.put_nowait(ReplyAudio(order.reply_id, 0, 0, bytes(4_800), last=True))

    def archive_turn(self, record: TurnRecord) -> None:
        return


class Listener:
    """A client that plays what it gets at once, and reports it from within the news."""

    def __init__(self) -> None:
        self.driver = ConversationDriver(ConversationConfig(), ForgetfulEngine(), self.on_news)
        self.is_listening = asyncio.Event()

    def on_news(self, news: News) -> None:
        if isinstance(news, PlayAudio) and news.last:
            self.driver.submit(AudioSent(news.reply_id, last=True))
            self.driver.submit(PlaybackReport(news.reply_id, 100, ended=True))
        if news == StatusChanged("listening"):
            self.is_listening.set()

    async def talk(self, turns: int) -> None:
        for _ in range(turns):
            self.is_listening.clear()
            self.driver.submit(SendText("good morning"))
            await self.is_listening.wait()


def census() -> tuple[Counter[str], int]:
    """How many objects of Parley's own types there are, and how many objects at all."""
    gc.collect()
    objects = gc.get_objects()
    ours = (type(one) for one in objects if str(type(one).__module__).startswith("interaction."))
    return Counter(kind.__qualname__ for kind in ours), len(objects)


@pytest.mark.uncounted
async def test_two_thousand_turns_leave_nothing_behind() -> None:
    listener = Listener()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(listener.driver.run())
        await listener.talk(500)
        ours, all_objects = census()
        await listener.talk(1_500)
        ours_later, all_later = census()
        summary = await listener.driver.stop("ended")
    assert ours_later == ours
    # What one turn in two would leave: a test that ran before may still be settling.
    assert all_later - all_objects < 750
    assert (summary.turns, summary.interrupted, summary.failed) == (2_000, 0, 0)

"""The tool calls of one reply: noted, run in order, and ended as events."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from interaction.core.events import SessionEndRequested, ToolInvoked
from interaction.core.types import ToolCall
from interaction.tools.base import ToolContext
from interaction.tools.registry import load_tools
from interaction.tools.tool_calls import ToolCalls

TIME = ToolCall("call_1", "current_time", "{}")
END = ToolCall("call_2", "end_session", "{}")


class Reply:
    """The tool calls of one reply, and all that they bring about, in order."""

    def __init__(self, **options: Any) -> None:
        self.id, self.turn = uuid4(), uuid4()
        self.log: list[Any] = []
        tools = load_tools(("current_time", "end_session", "no_such_tool"))
        context = ToolContext(uuid4(), self.turn, owner_id=1)
        self.calls = ToolCalls(tools, context, self.id, emit=self._emit, note=self._note, **options)

    async def _emit(self, event: ToolInvoked | SessionEndRequested) -> None:
        self.log.append(event)

    def _note(self, index: int, invoked: ToolInvoked) -> None:
        self.log.append((index, invoked))

    @property
    def events(self) -> list[Any]:
        return [entry for entry in self.log if not isinstance(entry, tuple)]


async def test_a_call_is_noted_before_it_runs_and_with_its_outcome() -> None:
    reply = Reply()
    (message,) = await reply.calls.run([TIME])
    (first, before), (second, after), event = reply.log
    assert (first, second) == (0, 0)
    assert (before.status, before.ms) == ("failed", 0.0)
    assert after == event
    assert (event.status, event.turn_id, event.reply_id) == ("succeeded", reply.turn, reply.id)
    assert (message.role, message.tool_call_id, message.content) == ("tool", "call_1", event.result)


async def test_the_calls_of_later_rounds_are_counted_on() -> None:
    reply = Reply()
    await reply.calls.run([TIME, TIME])
    await reply.calls.run([TIME], refuse=True)
    assert [entry[0] for entry in reply.log if isinstance(entry, tuple)] == [0, 0, 1, 1, 2, 2]
    assert [event.status for event in reply.events] == ["succeeded", "succeeded", "refused"]


async def test_the_sessions_end_is_asked_for_once_after_the_outcomes() -> None:
    reply = Reply()
    await reply.calls.run([END, TIME])
    await reply.calls.run([END])
    assert reply.calls.end_session_requested
    kinds = [type(event) for event in reply.events]
    assert kinds == [ToolInvoked, ToolInvoked, SessionEndRequested, ToolInvoked]


async def test_nothing_runs_before_the_turn_is_committed() -> None:
    committed, waits = asyncio.Event(), asyncio.Event()

    async def wait_for_commit() -> None:
        waits.set()
        await committed.wait()

    reply = Reply(wait_for_commit=wait_for_commit)
    assert await reply.calls.run([]) == [], "without a call there is nothing to wait for"
    running = asyncio.create_task(reply.calls.run([TIME]))
    await waits.wait()
    assert reply.log == []
    committed.set()
    await running
    assert [event.status for event in reply.events] == ["succeeded"]


async def test_a_call_that_is_cancelled_stays_noted_as_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runs = asyncio.Event()

    async def run(*_: Any) -> None:
        runs.set()
        await asyncio.Event().wait()

    monkeypatch.setattr("interaction.tools.current_time.CurrentTime.run", run)
    monkeypatch.setattr("interaction.tools.current_time.CurrentTime.timeout", 60.0)
    reply = Reply()
    running = asyncio.create_task(reply.calls.run([TIME]))
    await runs.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    ((index, invoked),) = reply.log
    assert (index, invoked.status) == (0, "failed")
    assert isinstance(invoked.invocation_id, UUID)
    assert "stopped" in invoked.result

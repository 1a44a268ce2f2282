"""Tools in the language model's stage, with a real worker."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from uuid import uuid4

import pytest

from interaction.core.engine import SessionSpec
from interaction.core.events import (
    FinalTranscript,
    ReplyAudio,
    ReplyText,
    SessionEndRequested,
    ToolInvoked,
    UsageReported,
)
from interaction.core.orders import CancelReply, EndTurn, FlushTurn
from interaction.core.types import ProviderSelection
from interaction.models import ToolInvocation
from interaction.tests.cascade.caller import Caller, eventually, remote, spec
from interaction.tests.turn_records.test_archive import archived
from voiceproject.testing.stack import Providers, Worker

TOOLS = ("current_time", "end_session")
DEMO = (ProviderSelection("demo"),)
HALF_A_SECOND = bytes(16_000)
TIME = {"name": "current_time", "arguments": {"time_zone": "Asia/Taipei"}}


def invocations(caller: Caller) -> list[ToolInvoked]:
    return [event for event in caller.events if isinstance(event, ToolInvoked)]


async def test_a_tools_result_goes_back_to_the_model_which_then_answers(
    worker: Worker, standin: Providers
) -> None:
    standin.next("llm", calls=[TIME], text="Let me look.")
    standin.always("llm", text="It is late.")
    async with Caller.calling(remote(tools=TOOLS)) as caller:
        turn, reply = caller.type("What time is it in Taipei?")
        assert await caller.reply_to_its_end(reply)
        (invoked,) = invocations(caller)
        assert (await caller.until(ReplyText)).text == "Let me look. It is late."
    assert (invoked.turn_id, invoked.reply_id) == (turn, reply)
    assert (invoked.tool, invoked.status) == ("current_time", "succeeded")
    assert json.loads(invoked.arguments) == TIME["arguments"]
    assert json.loads(invoked.result)["time_zone"] == "Asia/Taipei"

    first, second = (request["body"] for request in standin.requests("llm"))
    assert [tool["function"]["name"] for tool in first["tools"]] == list(TOOLS)
    asked, told = second["messages"][-2:]
    assert (asked["content"], asked["tool_calls"][0]["function"]["name"]) == (
        "Let me look.",
        "current_time",
    )
    assert (told["role"], told["content"]) == ("tool", invoked.result)
    assert told["tool_call_id"] == asked["tool_calls"][0]["id"]


async def test_what_the_model_may_not_do_it_is_told(worker: Worker, standin: Providers) -> None:
    calls = [
        {"name": "launch", "arguments": {}},
        {"name": "end_session", "arguments": {}},
        {"name": "current_time", "arguments": {"time_zone": "Mars/Olympus"}},
    ]
    standin.next("llm", calls=calls, text="")
    async with Caller.calling(remote(tools=("current_time",))) as caller:
        _, reply = caller.type("Do it.")
        await caller.reply_to_its_end(reply)
        assert [invoked.status for invoked in invocations(caller)] == ["refused"] * 3
        assert not [event for event in caller.events if isinstance(event, SessionEndRequested)]
    told = [
        line for line in standin.requests("llm")[-1]["body"]["messages"] if "tool" in line["role"]
    ]
    assert ["error" in json.loads(line["content"]) for line in told] == [True] * 3


async def test_without_tools_the_model_is_offered_none(worker: Worker, standin: Providers) -> None:
    async with Caller.calling(remote()) as caller:
        _, reply = caller.type("What time is it?")
        await caller.reply_to_its_end(reply)
    assert "tools" not in standin.requests("llm")[0]["body"]


async def test_a_model_that_never_stops_asking_is_refused_in_the_end(
    worker: Worker, standin: Providers
) -> None:
    standin.always("llm", calls=[TIME], again=True, text="")
    async with Caller.calling(remote(tools=TOOLS)) as caller:
        turn, _ = caller.type("What time is it?")
        assert (await caller.failure(turn)).code == "empty_reply"
        statuses = [invoked.status for invoked in invocations(caller)]
        assert statuses == ["succeeded"] * 5 + ["refused"] * 2
        assert len({invoked.task_id for invoked in invocations(caller)}) == 1


async def test_a_tool_may_end_the_session_after_its_reply(worker: Worker) -> None:
    async with Caller.calling(spec(llm=DEMO, tools=TOOLS)) as caller:
        _, reply = caller.type("Goodbye!")
        assert await caller.reply_to_its_end(reply)
        order = [type(event) for event in caller.events]
        assert (await caller.until(SessionEndRequested)).reply_id == reply
        assert order.index(SessionEndRequested) < order.index(ReplyAudio)


async def test_a_session_may_end_without_another_word(worker: Worker, standin: Providers) -> None:
    standin.always("llm", calls=[{"name": "end_session", "arguments": {}}], text="")
    async with Caller.calling(remote(tools=TOOLS)) as caller:
        caller.type("Goodbye!")
        assert (await caller.until(ReplyText)).sentences == 0
        assert [event for event in caller.events if isinstance(event, SessionEndRequested)]


async def test_the_demo_agent_tells_the_time_by_its_tool(worker: Worker) -> None:
    async with Caller.calling(spec(llm=DEMO, tools=TOOLS)) as caller:
        _, reply = caller.type("What time is it in Taipei?")
        await caller.reply_to_its_end(reply)
        (invoked,) = invocations(caller)
        assert (invoked.tool, invoked.status) == ("current_time", "succeeded")
        assert "Taipei" in (await caller.until(ReplyText)).text


@pytest.fixture
def asking_early(standin: Providers) -> Providers:
    standin.always("stt", text="what time is it")
    standin.next("llm", calls=[TIME], text="")
    standin.always("llm", text="It is late.")
    return standin


async def test_a_tool_is_not_run_before_the_turn_is_committed(
    worker: Worker, asking_early: Providers
) -> None:
    async with Caller.calling(remote(tools=TOOLS)) as caller:
        turn, reply = caller.open_turn(HALF_A_SECOND), uuid4()
        caller.engine.execute(FlushTurn(turn, reply, ()))
        await caller.until(FinalTranscript)
        await eventually(
            lambda: asking_early.requests("llm")[:1] and _first_is_answered(asking_early)
        )
        # A turn in between goes all the way through the same worker: time enough to do wrong.
        _, other = caller.type("Something else.")
        await caller.reply_to_its_end(other)
        assert not invocations(caller)
        caller.engine.execute(EndTurn(turn, reply, (), flushed=True))
        await caller.reply_to_its_end(reply)
        assert [invoked.reply_id for invoked in invocations(caller)] == [reply]


async def test_a_discarded_replys_tools_are_never_run(
    worker: Worker, asking_early: Providers
) -> None:
    async with Caller.calling(remote(tools=TOOLS)) as caller:
        turn, eager = caller.open_turn(HALF_A_SECOND), uuid4()
        caller.engine.execute(FlushTurn(turn, eager, ()))
        await eventually(lambda: _first_is_answered(asking_early))
        caller.engine.execute(CancelReply(turn, eager))
        await asyncio.to_thread(worker.wait_for_log, f'"response stopped".*{eager}')
        caller.feed_audio(turn, HALF_A_SECOND)
        reply = caller.end(turn)
        await caller.reply_to_its_end(reply)
        assert not invocations(caller)


def _first_is_answered(standin: Providers) -> bool:
    requests = standin.requests("llm")
    return bool(requests) and requests[0]["ended"] == "answered"


async def test_what_tools_did_is_kept_with_the_turn(
    worker: Worker, standin: Providers, session: Callable[..., SessionSpec]
) -> None:
    standin.next("llm", calls=[TIME, {"name": "launch", "arguments": {"when": "now"}}], text="")
    made = await asyncio.to_thread(
        session, tools=TOOLS, llm=(ProviderSelection("openai", model="any"),)
    )
    async with Caller.calling(made) as caller:
        turn, reply = caller.type("What time is it?")
        await caller.reply_to_its_end(reply)
        caller.engine.archive_turn(caller.close(turn, reply, kind="text"))
        await archived(turn)
        await asyncio.to_thread(
            worker.wait_for_log, f'(?s)("stage finished".*{turn}.*archive.*){{2}}'
        )
        told = invocations(caller)

    kept = ToolInvocation.objects.filter(task__turn=turn).order_by("sequence")
    for row, invoked in zip(await asyncio.to_thread(list, kept), told, strict=True):
        assert (row.pk, row.task_id) == (invoked.invocation_id, invoked.task_id)
        for name in ("tool", "status", "arguments", "result", "ms"):
            assert getattr(row, name) == getattr(invoked, name)


async def test_what_a_request_cost_is_reported(worker: Worker, standin: Providers) -> None:
    standin.next("llm", calls=[TIME], text="")
    async with Caller.calling(remote(tools=TOOLS)) as caller:
        turn, reply = caller.type("What time is it?")
        await caller.reply_to_its_end(reply)
        used = await caller.until(UsageReported)
        assert [event for event in caller.events if isinstance(event, UsageReported)] == [used]
    assert (used.turn_id, used.reply_id) == (turn, reply)
    assert used.prompt_tokens == len("What time is it?") // 4 + 1
    assert used.completion_tokens > 1

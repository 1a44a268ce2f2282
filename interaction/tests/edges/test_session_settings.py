"""What a client may choose: prompts, fallbacks, tools; and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest

from interaction.core.events import ProviderSwitched, ReplyText, SessionEndRequested, ToolInvoked
from interaction.core.orders import Respond
from interaction.core.types import Message
from interaction.models import PromptTemplate
from interaction.tests.edges.client import Client
from interaction.tests.fakes.scripted_engine import ScriptedEngine

Connect = Callable[[], Client]

pytestmark = pytest.mark.django_db(transaction=True)


def respond() -> Respond:
    """The newest order to reply."""
    orders = ScriptedEngine.made[-1].orders
    return next(order for order in reversed(orders) if isinstance(order, Respond))


async def template(*, active: bool = True) -> PromptTemplate:
    return await PromptTemplate.objects.acreate(
        slug="pirate", title="Pirate", text="Talk like a pirate.", active=active
    )


async def test_a_template_is_the_prompt_and_what_is_written_comes_after_it(
    connect: Connect,
) -> None:
    pirate = await template()
    async with connect() as client:
        started = await client.start(template_id=pirate.pk, system_prompt="Be brief.")
        assert started["system_prompt"] == "Talk like a pirate.\n\nBe brief."
        await client.send("text_input", text="hello")
        await client.until("agent_response")
    prompt = respond().context[0]
    assert prompt == Message("system", "Talk like a pirate.\n\nBe brief.")


async def test_a_template_that_is_not_active_is_refused(connect: Connect) -> None:
    retired = await template(active=False)
    async with connect() as client:
        await client.send("start_session", template_id=retired.pk)
        assert (await client.until("error"))["code"] == "unknown_template"


async def test_a_template_and_ones_own_words_have_one_limit_together(connect: Connect) -> None:
    pirate = await template()
    async with connect() as client:
        await client.send("start_session", template_id=pirate.pk, system_prompt="x" * 19_999)
        assert (await client.until("error"))["code"] == "prompt_too_long"


async def test_fallbacks_reach_the_engine_in_their_order(connect: Connect) -> None:
    async with connect() as client:
        started = await client.start(
            providers={"llm": {"name": "echo"}}, fallbacks={"llm": [{"name": "demo"}]}
        )
    assert [choice["name"] for choice in started["fallbacks"]["llm"]] == ["demo"]
    assert [choice.name for choice in ScriptedEngine.made[-1].spec.llm] == ["echo", "demo"]


async def test_an_unknown_tool_is_refused_by_its_name(connect: Connect) -> None:
    async with connect() as client:
        await client.send("start_session", tools=["current_time", "launch"])
        error = await client.until("error")
    assert error["code"] == "unknown_tool"
    assert "launch" in error["message"]


async def test_fallbacks_and_tools_are_told(connect: Connect) -> None:
    async with connect() as client:
        await client.start(tools=["current_time"])
        await client.send("text_input", text="hold")
        await client.until("response_started")
        order, engine = respond(), ScriptedEngine.made[-1]
        engine.emit(ProviderSwitched(order.turn_id, "llm", "openai", "provider_timeout", "demo"))
        ids = (order.turn_id, order.reply_id, uuid4(), uuid4())
        engine.emit(ToolInvoked(*ids, "current_time", "{}", "succeeded", '"noon"', ms=1.5))
        assert (await client.until("provider_fallback"))["provider"] == "demo"
        assert (await client.until("tool_invocation"))["tool"] == "current_time"


async def test_an_agent_may_end_the_session_after_its_last_words(connect: Connect) -> None:
    async with connect() as client:
        await client.start()
        await client.send("text_input", text="hold")
        await client.until("response_started")
        order, engine = respond(), ScriptedEngine.made[-1]
        engine.emit(SessionEndRequested(order.reply_id))
        engine.emit(ReplyText(order.reply_id, "Goodbye.", 0))
        assert (await client.until("session_ended"))["reason"] == "ended_by_agent"


async def test_a_long_number_that_is_typed_reaches_nobody(connect: Connect) -> None:
    async with connect() as client:
        await client.start()
        await client.send("text_input", text="my card is 4111 1111 1111 1111")
        heard = await client.until("transcript_final")
    assert heard["text"] == respond().context[-1].content == "my card is [number]"


async def test_the_time_zone_is_the_persons_and_a_wrong_one_is_told(connect: Connect) -> None:
    async with connect() as client:
        await client.send("start_session", time_zone="Mars/Olympus")
        error = await client.until("error")
        assert error["code"] == "invalid_message"
        assert "time_zone" in error["message"]
        started = await client.start(time_zone="Asia/Taipei")
        assert started["time_zone"] == "Asia/Taipei"
    assert ScriptedEngine.made[-1].spec.time_zone == "Asia/Taipei"


async def test_a_language_that_nothing_hears_is_said_when_the_session_starts(
    connect: Connect,
) -> None:
    async with connect() as client:
        heard = await client.start()
        assert heard["warnings"] == []
    chinese = {stage: {"language": "zh-TW"} for stage in ("stt", "llm", "tts")}
    async with connect() as client:
        started = await client.start(providers=chinese)
        (warning,) = started["warnings"]
        assert (warning["code"], warning["stage"]) == ("language_not_heard", "stt")
        assert "PocketSphinx" in warning["message"]
        assert started["providers"]["tts"]["name"] == "espeak"


async def test_a_language_that_nothing_speaks_is_refused(connect: Connect) -> None:
    async with connect() as client:
        await client.send("start_session", providers={"tts": {"language": "ja"}})
        assert (await client.until("error"))["code"] == "language_not_spoken"


@pytest.mark.parametrize(
    ("language", "asked"),
    [("", False), ("en", False), ("en-GB", False), ("de", True), ("zh-TW", True)],
)
async def test_a_template_in_another_language_asks_for_the_sessions(
    connect: Connect, language: str, asked: bool
) -> None:
    pirate = await template()
    async with connect() as client:
        started = await client.start(
            template_id=pirate.pk,
            system_prompt="Be brief.",
            providers={"stt": {"language": language}},
        )
    prompt = started["system_prompt"]
    assert prompt.startswith("Talk like a pirate.\n\n")
    assert prompt.endswith("\n\nBe brief.")
    assert (f"tag {language}:" in prompt) is asked

"""Real stages: what the recogniser does not know is not written down, and each sentence has a voice
of its language."""

from __future__ import annotations

import json
from collections.abc import Callable

from interaction.audio.wav import Sound
from interaction.core.events import ProviderSwitched, ReplyText, StageFailed, ToolInvoked
from interaction.core.types import ProviderSelection
from interaction.tests.cascade.caller import Caller, spec
from voiceproject.testing.stack import Worker

HIBARI = ProviderSelection("hibari", "", "heart", "en")
ESPEAK = ProviderSelection("espeak", "", "en-us", "en")


async def test_speech_that_the_recogniser_does_not_know_is_no_nonsense_and_typing_works(
    worker: Worker, spoken: Callable[[str], Sound]
) -> None:
    chinese = (ProviderSelection("pocketsphinx", language="zh-TW"),)
    async with Caller.calling(spec(stt=chinese)) as caller:
        turn = caller.open_turn(spoken("hello").pcm)
        caller.end(turn)
        failed = await caller.until(StageFailed)
        assert (failed.code, failed.stage, failed.retryable) == ("language_not_heard", "stt", False)
        assert "PocketSphinx" in failed.message
        _, reply = caller.type("你好")
        assert await caller.reply_to_its_end(reply)


async def test_an_english_voice_is_never_given_chinese(worker: Worker) -> None:
    async with Caller.calling(spec(tts=(HIBARI, ESPEAK))) as caller:
        for text in ("Good morning.", "早安，你好嗎？", "おはよう means good morning."):
            _, reply = caller.type(text)
            assert await caller.reply_to_its_end(reply)
        switches = [event for event in caller.events if isinstance(event, ProviderSwitched)]
        # It is slow to speak first on a busy machine.
        assert {event.code for event in switches} <= {"provider_timeout"}


async def test_the_demo_agent_and_its_tool_tell_the_persons_time(worker: Worker) -> None:
    demo = (ProviderSelection("demo"),)
    abroad = spec(llm=demo, tools=("current_time",), time_zone="Pacific/Kiritimati")
    async with Caller.calling(abroad) as caller:
        caller.type("what time is it")
        told = json.loads((await caller.until(ToolInvoked)).result)
        assert told["time_zone"] == "Pacific/Kiritimati"
    async with Caller.calling(spec(llm=demo, time_zone="Asia/Taipei")) as caller:
        caller.type("what time is it")
        assert "CST" in (await caller.until(ReplyText)).text

"""The calls of a whole turn are counted by the worker, as its providers saw them."""

from __future__ import annotations

from collections.abc import Callable

import redis

from interaction.audio.wav import Sound
from interaction.core.types import ProviderSelection
from interaction.provider_calls.tally import Series, Tally
from interaction.tests.cascade.caller import Caller, eventually, remote
from interaction.tests.provider_calls.counted import counted
from voiceproject.testing.stack import Providers, Worker

OPENAI = ProviderSelection("openai", model="any")
LOCAL = {"stt": "pocketsphinx", "llm": "echo", "tts": "espeak"}


async def test_every_stage_counts_who_failed_and_who_stepped_in(
    worker: Worker,
    standin: Providers,
    spoken: Callable[[str], Sound],
    redis_client: redis.Redis,
) -> None:
    choices = {stage: (OPENAI, ProviderSelection(name)) for stage, name in LOCAL.items()}
    for stage in LOCAL:
        standin.next(stage, status=503)
    async with Caller.calling(remote(**choices)) as caller:
        turn = caller.open_turn(spoken("what is the weather like in paris today").pcm)
        await caller.reply_to_its_end(caller.end(turn))

    def found() -> dict[Series, Tally] | None:
        now = counted(redis_client)
        return now if len(now) == 6 else None

    calls = await eventually(found)
    assert calls is not None
    for stage, name in LOCAL.items():
        failed, served = calls[Series(stage, "openai", "any")], calls[Series(stage, name, "")]
        assert failed.errors == {"provider_unavailable": 1}
        assert failed.p50_ms is None
        assert failed.calls == len(standin.requests(stage))
        assert (served.failed, served.given_up) == (0, 0)
        assert served.buckets.total() == served.calls
        assert served.calls >= 1
        if stage != "tts":  # a reply has several sentences
            assert served.calls == 1

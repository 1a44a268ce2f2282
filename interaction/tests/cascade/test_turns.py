from __future__ import annotations

from collections.abc import Callable

from interaction.audio.wav import Sound
from interaction.core.signals import FinalTranscript, PartialTranscript, ReplySentence, ReplyText
from interaction.tests.cascade.caller import Caller, spec
from voiceproject.testing.stack import Worker

WEATHER = "what is the weather like in paris today"


async def test_a_spoken_turn_is_transcribed_answered_and_spoken(
    worker: Worker, spoken: Callable[[str], Sound]
) -> None:
    async with Caller.calling(spec()) as caller:
        turn = caller.begin(spoken(WEATHER).pcm)
        await caller.until(PartialTranscript)
        reply = caller.end(turn)
        final = await caller.until(FinalTranscript)
        assert (final.text, final.reply_id) == (WEATHER, reply)
        sentence = await caller.until(ReplySentence)
        assert sentence.text in (await caller.until(ReplyText)).text
        assert len(await caller.reply_to_its_end(reply)) > 24_000

"""A provider's reply, cut into sentences."""

from __future__ import annotations

from uuid import uuid4

from interaction.core.events import PartialSentence, ReplySentence
from interaction.core.types import OUTPUT_SAMPLE_RATE
from interaction.realtime.reply import MS_A_CHARACTER, RealtimeReply

SECOND = bytes(2 * OUTPUT_SAMPLE_RATE)


def test_audio_belongs_to_the_sentence_that_it_speaks_be_that_complete_or_not() -> None:
    reply = RealtimeReply(uuid4(), uuid4())
    assert reply.add_audio(SECOND).sentence == 0, "before a word is known"
    complete, begun = reply.add_text("It was a bright cold day in April. And the clocks")
    assert complete == ReplySentence(reply.id, 0, "It was a bright cold day in April.")
    assert begun == PartialSentence(reply.id, 1, "And the clocks")

    lasts = MS_A_CHARACTER * len("It was a bright cold day in April. ") / 1000
    spoken = [reply.add_audio(SECOND).sentence for _ in range(4)]
    assert spoken == [0 if second < lasts else 1 for second in range(1, 5)]
    assert {0, 1} == set(spoken)

    assert reply.add_text(" were striking") == [
        PartialSentence(reply.id, 1, "And the clocks were striking")
    ]
    assert reply.end_sentence() == [ReplySentence(reply.id, 1, "And the clocks were striking")]
    assert reply.add_audio(SECOND).sentence == 1

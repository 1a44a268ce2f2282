"""What holds of every conversation, whatever happens in it and in whatever order."""

from __future__ import annotations

import itertools
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from interaction.core import effects as out
from interaction.core import signals as sig
from interaction.core.conversation import Conversation
from interaction.core.signals import ConversationConfig, Frame, TurnDetection
from interaction.core.turn import Reply
from interaction.tests.core.screenplay import SILENT

IDS = st.integers(1, 12).map(lambda n: UUID(int=n))
MS = st.integers(0, 5_000)
PCM = st.integers(0, 2_400).map(lambda n: b"\1\0" * n)
WORDS = st.sampled_from(["One two.", "Three four five.", "Six."])

STAGE_EVENTS = st.one_of(
    st.builds(sig.PartialTranscript, IDS, WORDS),
    st.builds(sig.FinalTranscript, IDS, WORDS, IDS),
    st.builds(sig.ReplySentence, IDS, st.integers(0, 3), WORDS),
    st.builds(sig.ReplyText, IDS, WORDS, st.integers(0, 3)),
    st.builds(sig.ReplyAudio, IDS, st.integers(0, 9), st.integers(0, 3), PCM, st.booleans()),
    st.builds(sig.Measured, IDS, st.sampled_from(out.METRICS), st.floats(0, 9e3)),
    st.builds(
        sig.StageFailed,
        IDS,
        st.sampled_from(["stt", "llm", "tts", "archive"]),
        st.just("x"),
        st.sampled_from(["stage_lost", "no_speech", "audio_dropped"]),
        st.just("Gone."),
        st.booleans(),
        st.none() | IDS,
    ),
)
COMMANDS = st.one_of(
    st.builds(sig.Say, WORDS),
    st.builds(sig.Commit),
    st.builds(sig.Interrupt, st.none() | MS),
    st.builds(sig.Playback, IDS, MS, st.booleans(), st.integers(0, 3), st.none() | MS),
    st.builds(sig.AudioLeft, IDS, st.booleans()),
    st.builds(sig.HangUp),
)
SPEAKS = st.tuples(st.floats(0, 1), st.integers(1, 40))
STEPS = st.lists(st.one_of(SPEAKS, STAGE_EVENTS, COMMANDS, st.floats(0.001, 40)), max_size=60)
CONFIGS = st.builds(
    ConversationConfig,
    st.just("Be brief."),
    st.booleans(),
    st.builds(
        TurnDetection,
        st.sampled_from(["vad", "manual"]),
        eager_silence_ms=st.none() | st.just(200),
    ),
)


def play(config: ConversationConfig, steps: list[object]) -> list[out.Effect]:
    ids = itertools.count(1)
    conversation = Conversation(config, new_id=lambda: UUID(int=next(ids)))
    now, effects = 0.0, []
    for step in steps:
        match step:
            case float():
                now += step
                effects += conversation.tick(now)
            case (float(chance), int(frames)):
                for _ in range(frames):
                    now += 0.032
                    effects += conversation.hear(Frame(SILENT, chance), now)
            case _ if isinstance(step, sig.Command):
                effects += conversation.command(step, now)
            case _:
                effects += conversation.stage_event(step, now)
    return [*effects, *conversation.command(sig.HangUp(), now)]


@settings(max_examples=400, deadline=None)
@given(CONFIGS, STEPS)
def test_whatever_happens_the_rules_of_turn_taking_hold(
    config: ConversationConfig, steps: list[object]
) -> None:
    alive: UUID | None = None
    committed: set[UUID] = set()
    stopped: set[UUID] = set()
    closed: dict[UUID, int] = {}
    status = "listening"
    for effect in play(config, steps):
        match effect:
            case out.OpenTurn() | out.Respond():
                assert alive is None, "two turns alive at once"
                alive = effect.turn_id
                assert effect.sequence == len(closed) + 1
                if isinstance(effect, out.Respond):
                    committed.add(alive)
            case out.SendAudio():
                assert effect.turn_id == alive not in committed
                assert len(effect.pcm) % 2 == 0
            case out.EndTurn():
                assert effect.turn_id == alive not in committed
                committed.add(effect.turn_id)
            case out.DropTurn():
                assert effect.turn_id == alive
                alive = None
            case out.CancelReply():
                stopped.add(effect.reply_id)
            case out.Play():
                assert effect.turn_id == alive
                assert effect.turn_id in committed, "audio left before the turn was committed"
                assert effect.reply_id not in stopped or not effect.pcm
            case out.CloseTurn(record):
                if record.turn_id == alive:
                    alive = None
                    closed[record.turn_id] = record.sequence
                assert closed[record.turn_id] == record.sequence
                assert record.reply.startswith(record.heard_text)
            case out.StatusChanged():
                assert effect.status != status
                status = effect.status
    assert alive is None
    assert status == "listening"


@given(
    st.lists(st.tuples(WORDS, st.floats(1, 3_000)), min_size=1, max_size=6),
    st.floats(0, 1),
    st.booleans(),
)
def test_heard_text_grows_with_what_was_heard_and_is_a_prefix(
    sentences: list[tuple[str, float]], part: float, finished: bool
) -> None:
    reply = Reply(UUID(int=1))
    for number, (text, ms) in enumerate(sentences):
        reply.add_audio(number, b"\0\0" * round(24 * ms))
        reply.sentences[number].text = text
    if finished:
        reply.text = "  ".join(text for text, _ in sentences)
    heard = reply.heard_text(part * reply.audio_ms)
    assert reply.written().startswith(heard)
    assert reply.heard_text(reply.audio_ms * part / 2) in heard
    assert reply.heard_text(reply.audio_ms) == reply.written()
    assert reply.heard_text(0) == ""

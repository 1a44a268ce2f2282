"""What holds of every conversation, whatever happens in it and in whatever order."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interaction.core.commands import (
    AudioSent,
    ClearAudio,
    Command,
    CommitTurn,
    CreateResponse,
    HangUp,
    InterruptReply,
    PlaybackReport,
    SendText,
)
from interaction.core.config import ConversationConfig
from interaction.core.events import (
    ClientToolCalled,
    EngineLost,
    EngineSpeechStarted,
    EngineSpeechStopped,
    FinalTranscript,
    MetricMeasured,
    PartialSentence,
    PartialTranscript,
    ReplyAudio,
    ReplySentence,
    ReplyText,
    StageFailed,
    UsageReported,
)
from interaction.core.metrics import METRIC_NAMES
from interaction.core.news import (
    FloorContested,
    FloorKept,
    PlayAudio,
    SpeechStarted,
    StatusChanged,
)
from interaction.core.orders import (
    CancelReply,
    CloseTurn,
    DropTurn,
    Effect,
    EndTurn,
    FlushTurn,
    GiveFloor,
    OpenTurn,
    Respond,
    SendAudio,
    TranscribeTurn,
)
from interaction.core.reply import Reply
from interaction.core.turn_machine import TurnMachine
from interaction.core.turn_taking.buffered import BufferedTurnDetection
from interaction.core.turn_taking.engine_detected import EngineTurnDetection
from interaction.core.turn_taking.manual import ManualTurnDetection
from interaction.core.turn_taking.vad import VadTurnDetection
from interaction.core.types import Frame, ToolCall
from interaction.tests.core.screenplay import SILENT

NEWEST, BEFORE, STRANGER, FRESH = (UUID(int=10**6 + n) for n in range(4))
"""Stand for the newest turn or reply, the one before, one that never was, and another each time."""
IDS = st.sampled_from([NEWEST, NEWEST, NEWEST, BEFORE, STRANGER])
MS = st.integers(0, 5_000)
PCM = st.integers(0, 2_400).map(lambda n: b"\1\0" * n)
WORDS = st.sampled_from(["One two.", "Three four five.", "Six."])

STAGE_EVENTS = st.one_of(
    st.builds(PartialTranscript, IDS, WORDS | st.sampled_from(["Mm-hmm.", "Stop.", "You"])),
    st.builds(FinalTranscript, IDS, WORDS, st.none() | IDS),
    st.just(EngineSpeechStarted()),
    st.just(EngineSpeechStopped()),
    st.just(EngineLost("x", "provider_unavailable", "Gone.", True)),
    st.builds(UsageReported, IDS, IDS, st.just(9), st.just(2)),
    st.builds(ClientToolCalled, IDS, IDS, st.just(ToolCall("c", "now", "{}"))),
    st.builds(ReplySentence, IDS, st.integers(0, 3), WORDS),
    st.builds(PartialSentence, IDS, st.integers(0, 3), WORDS),
    st.builds(ReplyText, IDS, WORDS, st.integers(0, 3)),
    st.builds(ReplyAudio, IDS, st.integers(0, 9), st.integers(0, 3), PCM, st.booleans()),
    st.builds(MetricMeasured, IDS, st.sampled_from(METRIC_NAMES), st.floats(0, 9e3)),
    st.builds(
        StageFailed,
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
    st.builds(SendText, WORDS),
    st.builds(CommitTurn, st.sampled_from([None, False, True])),
    st.just(ClearAudio()),
    st.builds(CreateResponse, st.just(FRESH), out_of_band=st.booleans()),
    st.builds(InterruptReply, st.none() | MS, st.none() | IDS),
    st.builds(PlaybackReport, IDS, MS, st.booleans(), st.integers(0, 3), st.none() | MS),
    st.builds(AudioSent, IDS, st.booleans()),
    st.builds(HangUp),
)
SPEAKS = st.tuples(st.sampled_from([0.0, 0.4, 1.0]), st.sampled_from([1, 4, 8, 20]))
OVERLAP = st.tuples(
    st.sampled_from([1, 4, 12]), st.sampled_from(["Mm-hmm.", "Stop that.", ""])
).map(
    lambda over: [
        ReplyAudio(NEWEST, 0, 0, b"\1\0" * 2_400),
        AudioSent(NEWEST),
        (1.0, 4),
        PartialTranscript(NEWEST, over[1]),
        (0.0, over[0]),
    ]
)
"""Somebody speaks over a reply, and then less or more."""
UTTERANCE = st.just([(1.0, 8), (0.0, 8)])
"""Speech, then silence: long enough to prepare an eager reply, too short to end the turn."""
STEP = st.one_of(SPEAKS, STAGE_EVENTS, COMMANDS, st.floats(0.001, 40)).map(lambda step: [step])
STEPS = st.lists(
    STEP | UTTERANCE | OVERLAP | STAGE_EVENTS.map(lambda step: [step]), min_size=25, max_size=80
).map(lambda parts: list(itertools.chain.from_iterable(parts)))
CONFIGS = st.builds(
    ConversationConfig,
    st.just("Be brief."),
    st.sampled_from(["off", "immediate", "considered", "considered"]),
    st.one_of(
        st.builds(VadTurnDetection, eager_silence_ms=st.none() | st.just(200)),
        st.builds(VadTurnDetection, eager_silence_ms=st.just(200)),
        st.just(ManualTurnDetection()),
        st.just(EngineTurnDetection("server")),
        st.just(BufferedTurnDetection()),
    ),
    respond_when=st.sampled_from(["always", "always", "asked", "never"]),
)


class Player:
    """Feeds steps to a conversation, aiming events at the turns and replies it really has."""

    def __init__(self, config: ConversationConfig) -> None:
        ids = itertools.count(1)
        self.machine = TurnMachine(config, started_at=0.0, new_id=lambda: UUID(int=next(ids)))
        self.now = 0.0
        self.effects: list[Effect] = []
        self.turns = [STRANGER]
        self.replies = [STRANGER]
        self._fresh = itertools.count(10**9)

    def carry_out(self, effects: list[Effect]) -> None:
        self.effects += effects
        for effect in effects:
            if isinstance(effect, OpenTurn | Respond):
                self.turns.append(effect.turn_id)
            if isinstance(effect, FlushTurn | EndTurn | Respond):
                self.replies.append(effect.reply_id)

    def aimed(self, signal: Any) -> Any:
        for name, known in (("turn_id", self.turns), ("reply_id", self.replies)):
            aim = getattr(signal, name, None)
            if aim == FRESH:
                signal = replace(signal, **{name: UUID(int=next(self._fresh))})
            if aim in (NEWEST, BEFORE):
                there = known[-1] if aim == NEWEST else known[-2 if len(known) > 1 else -1]
                signal = replace(signal, **{name: there})
        return signal

    def step(self, step: Any) -> None:
        match step:
            case float():
                self.now += step
                self.carry_out(self.machine.on_tick(self.now))
            case (float(chance), int(frames)):
                for _ in range(frames):
                    self.now += 0.032
                    self.carry_out(self.machine.on_frame(Frame(SILENT, chance), self.now))
            case _ if isinstance(step, Command):
                self.carry_out(self.machine.on_command(self.aimed(step), self.now))
            case _:
                self.carry_out(self.machine.on_event(self.aimed(step), self.now))


def play(config: ConversationConfig, steps: list[object]) -> list[Effect]:
    player = Player(config)
    for step in steps:
        player.step(step)
    player.step(HangUp())
    return player.effects


@pytest.mark.uncounted
@settings(max_examples=400)
@given(CONFIGS, STEPS)
def test_whatever_happens_the_rules_of_turn_taking_hold(
    config: ConversationConfig, steps: list[object]
) -> None:
    alive: UUID | None = None
    contender: UUID | None = None
    contested = False
    audible: set[UUID] = set()
    dropped: set[UUID] = set()
    asked: list[UUID] = []
    committed: set[UUID] = set()
    asides: set[UUID] = set()
    stopped: set[UUID] = set()
    finished: set[UUID] = set()
    closed: dict[UUID, int] = {}
    status = "listening"
    for effect in play(config, steps):
        match effect:
            case Respond(out_of_band=True):
                asides.add(effect.turn_id)
            case Respond(spoken=True):
                assert effect.turn_id == alive in committed
            case TranscribeTurn():
                assert effect.turn_id == alive not in committed
                committed.add(effect.turn_id)
            case OpenTurn() if alive is not None:
                assert effect.contends and config.barge_in == "considered" and alive in committed
                assert contender is None, "two contend at once"
                contender = effect.turn_id
                assert effect.sequence == len(closed) + 2
            case OpenTurn() | Respond():
                assert alive is None, "two turns alive at once"
                alive = effect.turn_id
                assert effect.sequence == len(closed) + 1
                if isinstance(effect, Respond):
                    committed.add(alive)
            case GiveFloor():
                assert effect.turn_id == contender and alive is None
            case FloorContested():
                assert effect.turn_id == contender and not contested
                contested = True
            case SpeechStarted() if contested:
                assert effect.turn_id == contender and alive is None
                alive, contender, contested = contender, None, False
            case FloorKept():
                assert effect.turn_id in dropped and contested and contender is None
                contested = False
            case SendAudio():
                assert effect.turn_id in (alive, contender) and effect.turn_id not in committed
                assert len(effect.pcm) % 2 == 0
            case FlushTurn():
                assert effect.turn_id == alive not in committed
            case EndTurn():
                assert effect.turn_id == alive not in committed
                assert effect.turn_id not in asked, "answered twice"
                asked.append(effect.turn_id)
                committed.add(effect.turn_id)
            case DropTurn():
                assert effect.turn_id in (alive, contender)
                dropped.add(effect.turn_id)
                if effect.turn_id == contender:
                    contender = None
                else:
                    alive = None
            case CancelReply():
                stopped.add(effect.reply_id)
            case PlayAudio():
                assert effect.turn_id in asides or effect.turn_id == alive
                assert effect.turn_id in asides | committed, "audio left before the commit"
                assert effect.turn_id in asides | audible or not contested or not effect.pcm
                audible.add(effect.turn_id)
                assert effect.reply_id not in stopped or not effect.pcm
                assert effect.reply_id not in finished, "audio after the last piece"
                finished |= {effect.reply_id} if effect.last else set()
            case CloseTurn(record):
                assert record.turn_id not in asides
                assert record.turn_id not in dropped and record.turn_id != contender
                if record.turn_id == alive:
                    alive = None
                    closed[record.turn_id] = record.sequence
                assert closed[record.turn_id] == record.sequence
                assert record.reply.startswith(record.heard_text)
            case StatusChanged():
                assert effect.status != status
                status = effect.status
    assert alive is contender is None and not contested
    assert committed <= closed.keys() | dropped, "a turn was committed, and nothing came of it"
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

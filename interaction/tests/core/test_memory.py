"""State of a turn goes with the turn."""

from __future__ import annotations

import gc
import itertools
from collections import Counter
from uuid import UUID

import pytest

from interaction.core.commands import AudioSent, CreateResponse, PlaybackReport, SendText
from interaction.core.config import ConversationConfig
from interaction.core.events import (
    FinalTranscript,
    MetricMeasured,
    ReplyAudio,
    ReplySentence,
    ReplyText,
    UsageReported,
)
from interaction.core.orders import Effect, EndTurn, FlushTurn, Respond
from interaction.core.out_of_band import OutOfBandReplies
from interaction.core.reply import Reply, Sentence
from interaction.core.turn import Turn
from interaction.core.turn_machine import TurnMachine
from interaction.core.turn_taking.vad import VadTurnDetection
from interaction.core.types import Frame, Message
from interaction.tests.core.screenplay import SILENT

KINDS = (Turn, Reply, Sentence, Message, OutOfBandReplies, MetricMeasured, ReplyAudio)
PCM = b"\1\0" * 2_400


class Conversation:
    """Turns of every sort, one after the other, as fast as can be."""

    def __init__(self) -> None:
        self._ids = itertools.count(1)
        detection = VadTurnDetection(eager_silence_ms=200)
        self.machine = TurnMachine(
            ConversationConfig(turn_detection=detection), started_at=0.0, new_id=self._id
        )
        self._now = 0.0

    def _id(self) -> UUID:
        return UUID(int=next(self._ids))

    def turn(self, number: int) -> None:
        if number % 3 == 0:
            self._answer(self.machine.on_command(SendText(f"line {number}"), self._now))
            return
        effects: list[Effect] = []
        for speaks in [1.0] * 8 + [0.0] * 12 + [1.0] * 4 + [0.0] * 22:  # an eager reply, discarded
            self._now += 0.032
            effects += self.machine.on_frame(Frame(SILENT, speaks), self._now)
        if number % 5 == 0:  # while somebody speaks, a reply is asked for that the commit cancels
            for _ in range(8):
                self._now += 0.032
                effects += self.machine.on_frame(Frame(SILENT, 1.0), self._now)
            self.machine.on_command(CreateResponse(self._id()), self._now)
            for _ in range(30):
                self._now += 0.032
                effects += self.machine.on_frame(Frame(SILENT, 0.0), self._now)
        if number % 7:  # else the next turn overtakes it
            self._answer(effects)

    def _answer(self, effects: list[Effect]) -> None:
        order = next(e for e in reversed(effects) if isinstance(e, EndTurn | FlushTurn | Respond))
        turn, reply, machine = order.turn_id, order.reply_id, self.machine
        machine.on_event(FinalTranscript(turn, "hello there", reply), self._now)
        machine.on_event(MetricMeasured(turn, "llm_ttft", 5.0), self._now)
        machine.on_event(ReplySentence(reply, 0, "General Kenobi."), self._now)
        machine.on_event(UsageReported(turn, reply, 12, 3), self._now)
        machine.on_event(ReplyText(reply, "General Kenobi.", 1), self._now)
        machine.on_event(ReplyAudio(reply, 0, 0, PCM, last=True), self._now)
        machine.on_command(AudioSent(reply), self._now)
        machine.on_command(AudioSent(reply, last=True), self._now)
        machine.on_command(PlaybackReport(reply, 100, ended=True), self._now + 0.1)


def alive() -> Counter[str]:
    gc.collect()
    return Counter(type(one).__name__ for one in gc.get_objects() if type(one) in KINDS)


@pytest.mark.uncounted
def test_two_thousand_turns_leave_no_more_behind_than_five_hundred() -> None:
    before = alive()  # what other tests of this process keep
    conversation = Conversation()
    counts = []
    for number in range(1, 2_001):
        conversation.turn(number % 105)  # all sorts of turns, so that both ends are alike
        if number in (525, 1_995):
            counts.append(alive())
    assert conversation.machine.next_sequence > 2_000
    assert counts[0] == counts[1]
    assert counts[0]["Turn"] - before["Turn"] <= 22

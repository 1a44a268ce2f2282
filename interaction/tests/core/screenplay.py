"""Conversations on a virtual clock: somebody speaks, an engine answers, a client plays.

    play = Screenplay(Engine(stt_ms=150))
    play.user_speaks(0.5, 2.5)
    play.user_speaks(5.0, 6.0)          # into the reply: a barge-in
    play.run(until=10)
    assert play.effects_of(ReplyInterrupted)

Seconds cost nothing: nothing here sleeps.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

from interaction.core.commands import AudioSent, Command, PlaybackReport
from interaction.core.config import ConversationConfig
from interaction.core.events import (
    EngineEvent,
    FinalTranscript,
    ReplyAudio,
    ReplySentence,
    ReplyText,
    StageFailed,
)
from interaction.core.news import PlayAudio, ReplyInterrupted, StatusChanged
from interaction.core.orders import (
    CancelReply,
    CloseTurn,
    Effect,
    EndTurn,
    EngineOrder,
    FlushTurn,
    Respond,
    WakeAt,
)
from interaction.core.records import TurnRecord
from interaction.core.turn_machine import TurnMachine
from interaction.core.types import FRAME_MS, FRAME_SAMPLES, OUTPUT_SAMPLE_RATE, Frame

SILENT = b"\0" * 2 * FRAME_SAMPLES
LOUD = b"\1" * 2 * FRAME_SAMPLES


@dataclass
class Engine:
    """Answers every turn after fixed delays. All durations in ms."""

    stt_ms: float = 150
    ttft_ms: float = 200
    tts_ms: float = 100
    sentences: tuple[str, ...] = ("One two three four.", "Five six seven eight.")
    sentence_ms: float = 2_000
    transcript: str = "hello there"
    fails: StageFailed | None = None
    silent: bool = False
    """Never answers at all."""


@dataclass
class Client:
    """Plays what arrives at real-time pace. ``reports`` false: it never says what it played."""

    reports: bool = True
    report_every_ms: float = 0
    """Time between two reports of playback going on."""
    dies_at: float = float("inf")
    """From then on it plays nothing and says nothing."""
    pauses: tuple[float, float] = (float("inf"), float("inf"))
    """Between these times its playback waits for the person."""
    rendered_ms: dict[UUID, float] = field(default_factory=dict)
    """What it really played of each reply."""
    reported_at: float = float("-inf")
    playing: UUID | None = None
    received_ms: float = 0
    played_ms: float = 0
    complete: bool = False


@dataclass
class Screenplay:
    engine: Engine = field(default_factory=Engine)
    config: ConversationConfig = field(default_factory=ConversationConfig)
    client: Client = field(default_factory=Client)
    microphone_until: float = 1e9

    def __post_init__(self) -> None:
        ids = itertools.count(1)
        self.machine = TurnMachine(self.config, started_at=0.0, new_id=lambda: UUID(int=next(ids)))
        self.now = 0.0
        self.effects: list[tuple[float, Effect]] = []
        self.orders: list[tuple[float, EngineOrder]] = []
        self._speech: list[tuple[float, float]] = []
        self._agenda: list[tuple[float, int, Callable[[], list[Effect]]]] = []
        self._order = itertools.count()
        self._cancelled: set[UUID] = set()

    def user_speaks(self, start: float, end: float) -> None:
        self._speech.append((start, end))

    def at(self, when: float, act: Callable[[], list[Effect]]) -> None:
        heapq.heappush(self._agenda, (when, next(self._order), act))

    def client_sends(self, when: float, command: Command) -> None:
        self.at(when, lambda: self.machine.on_command(command, self.now))

    def engine_reports(self, when: float, event: EngineEvent) -> None:
        self.at(when, lambda: self.machine.on_event(event, self.now))

    def run(self, until: float) -> None:
        frame = self.now
        while frame <= until:
            while self._agenda and self._agenda[0][0] <= frame:
                self.now, _, act = heapq.heappop(self._agenda)
                self._carry_out(act())
            self.now = frame
            if frame <= self.microphone_until:
                speaks = any(start <= frame < end for start, end in self._speech)
                heard = Frame(LOUD, 0.95) if speaks else Frame(SILENT, 0.02)
                self._carry_out(self.machine.on_frame(heard, self.now))
            self._play()
            frame = round(frame + FRAME_MS / 1000, 6)

    def effects_of(self, kind: type[Effect]) -> list[Effect]:
        """Every effect of this kind so far."""
        return [e for _, e in self.effects if isinstance(e, kind)]

    def when(self, kind: type[Effect]) -> float:
        """The time of the first effect of this kind."""
        return next(t for t, e in self.effects if isinstance(e, kind))

    def statuses(self) -> list[str]:
        return [e.status for _, e in self.effects if isinstance(e, StatusChanged)]

    def records(self) -> list[TurnRecord]:
        """The last record of each turn, in order."""
        last = {e.record.turn_id: e.record for _, e in self.effects if isinstance(e, CloseTurn)}
        return list(last.values())

    # The engine's and the client's part.

    def _carry_out(self, effects: list[Effect]) -> None:
        for effect in effects:
            self.effects.append((self.now, effect))
            match effect:
                case WakeAt(at):
                    self.at(max(at, self.now), lambda: self.machine.on_tick(self.now))
                case FlushTurn() | EndTurn(flushed=False):
                    self._answer(effect.turn_id, effect.reply_id, self.engine.stt_ms)
                case Respond():
                    self._answer(effect.turn_id, effect.reply_id, None)
                case CancelReply():
                    self._cancelled.add(effect.reply_id)
                case ReplyInterrupted() if effect.reply_id == self.client.playing:
                    self.client.complete = True
                    self.client.received_ms = self.client.played_ms
                case PlayAudio():
                    self._receive(effect)

    def _answer(self, turn_id: UUID, reply_id: UUID, stt_ms: float | None) -> None:
        engine, at = self.engine, self.now
        if engine.silent:
            return
        if engine.fails:
            self.engine_reports(at + (stt_ms or 0) / 1000, engine.fails)
            return
        if stt_ms is not None:
            at += stt_ms / 1000
            final = FinalTranscript(turn_id, engine.transcript, reply_id)
            self.engine_reports(at, final)
        at += engine.ttft_ms / 1000
        chunks: list[tuple[float, EngineEvent]] = []
        for number, text in enumerate(engine.sentences):
            chunks.append((at, ReplySentence(reply_id, number, text)))
        whole = ReplyText(reply_id, " ".join(engine.sentences), len(engine.sentences))
        chunks.append((at, whole))
        pcm = b"\1\0" * round(OUTPUT_SAMPLE_RATE * engine.sentence_ms / 1000)
        at += engine.tts_ms / 1000
        for number in range(len(engine.sentences)):
            last = number == len(engine.sentences) - 1
            chunks.append((at, ReplyAudio(reply_id, number, number, pcm, last)))
            at += 0.05
        for when, event in chunks:
            self.at(when, partial(self._unless_cancelled, reply_id, event))

    def _unless_cancelled(self, reply_id: UUID, event: EngineEvent) -> list[Effect]:
        if reply_id in self._cancelled:
            return []
        return self.machine.on_event(event, self.now)

    def _receive(self, play: PlayAudio) -> None:
        client = self.client
        if client.playing != play.reply_id:
            client.playing, client.received_ms, client.played_ms = play.reply_id, 0, 0
            client.complete = False
            self.client_sends(self.now, AudioSent(play.reply_id))
        client.received_ms += 1000 * len(play.pcm) / 2 / OUTPUT_SAMPLE_RATE
        if play.last:
            client.complete = True
            self.client_sends(self.now, AudioSent(play.reply_id, last=True))

    def _play(self) -> None:
        client = self.client
        if client.playing is None or self.now >= client.dies_at:
            return
        paused = client.pauses[0] <= self.now < client.pauses[1]
        if not paused:
            client.played_ms = min(client.played_ms + FRAME_MS, client.received_ms)
        client.rendered_ms[client.playing] = client.played_ms
        ended = client.complete and client.played_ms >= client.received_ms
        is_due = ended or 1000 * (self.now - client.reported_at) >= client.report_every_ms
        if client.reports and is_due:
            client.reported_at = self.now
            self.client_reports(ended=ended, paused=paused)
        if ended:
            client.playing = None

    def client_reports(self, *, ended: bool, paused: bool = False) -> None:
        """The client says at once how much it has played."""
        assert self.client.playing is not None
        played = round(self.client.played_ms)
        report = PlaybackReport(self.client.playing, played, ended, paused=paused)
        self._carry_out(self.machine.on_command(report, self.now))

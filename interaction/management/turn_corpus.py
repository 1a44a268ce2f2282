"""A corpus of turn-taking, run through the conversation core on a virtual clock.

The corpus is a folder: ``cases.jsonl``, a case a line, and ``mic/<id>.wav`` (mono, 16 kHz, 16 bit).
Real are the core, its strategies, the voice activity detector and the recogniser; scripted are the
language model (a reply of known length after known delays) and the client, which plays what comes
at its pace and reports every 250 ms. A frame is heard when its last sample has been spoken, so
figures have a grain of 32 ms; no network is in them.
"""

from __future__ import annotations

import heapq
import itertools
import json
import wave
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

import numpy as np

from interaction.audio.level import level_dbfs
from interaction.audio.vad import FRAME_BYTES, SpeechDetector
from interaction.core.commands import AudioSent, PlaybackReport, SendText
from interaction.core.config import ConversationConfig
from interaction.core.events import (
    Event,
    FinalTranscript,
    PartialTranscript,
    ReplyAudio,
    ReplySentence,
    ReplyText,
)
from interaction.core.news import FloorContested, PlayAudio, ReplyInterrupted, SpeechStarted
from interaction.core.orders import (
    CancelReply,
    DropTurn,
    Effect,
    EndTurn,
    FlushTurn,
    OpenTurn,
    Respond,
    SendAudio,
    WakeAt,
)
from interaction.core.turn_machine import TurnMachine
from interaction.core.types import FRAME_SAMPLES, INPUT_SAMPLE_RATE, OUTPUT_SAMPLE_RATE, Frame

SENTENCES = (
    "One two three four five six.",
    "Seven eight nine ten eleven.",
    "Twelve thirteen fourteen.",
    "And so on to the end.",
)
TRANSCRIPT_S = 0.15
"""End of the turn to its transcript."""
FIRST_AUDIO_S, GAP_FIRST_AUDIO_S = 0.45, 1.6
"""End of the turn to the reply's first audio; the second one for what is said in between."""
LOOK_S = 0.06
"""What a look of the recogniser takes before its words are there."""
REPLY_S, LISTENED_REPLY_S = 12.0, 3.0
"""The reply that is spoken over; the one to a turn."""
GRACE_S = 0.02
"""A commit this close to the true end cuts nobody off."""
REPORT_EVERY_S = 0.25


@dataclass(frozen=True)
class Case:
    id: str
    cls: str
    """What is heard: ``interruption``, ``backchannel``, ``hesitation``, …"""
    text: str
    speech: Sequence[tuple[float, float]]
    """Where the person speaks, seconds; their breaks are between."""
    noise: str | None = None
    echo_db: int | None = None
    """How loud the reply comes back, against the person."""
    reply_at: float | None = None
    """When the reply begins that is spoken over; None: nothing plays."""
    pauses: Sequence[float] = ()
    """Seconds of the breaks inside the turn."""

    @property
    def row(self) -> str:
        """The line of the table that it counts in."""
        if self.echo_db is not None:
            return f"{self.cls} {self.echo_db} dB"
        read_aloud = self.cls == "hesitation" and self.text == "(recording)"
        kind = "hesitation, reader" if read_aloud else self.cls
        return f"{kind}, crowd" if self.noise == "crowd" else kind


@dataclass
class Result:
    case: Case
    outcome: str
    """Over a reply: ``yielded``, ``early``, ``talked through``; else ``whole``, ``cut``,
    ``no end``; in the gap before a reply: ``answered``, ``joined`` (what was heard there is
    answered together with the question), ``reply lost``."""
    yield_ms: int | None = None
    """Onset to the interruption."""
    duck_ms: int | None = None
    """Onset to the reply's being played softer, while what is said is weighed."""
    delay_ms: int | None = None
    """True end to the first commit after it."""
    spoke_over: bool | None = None
    """The reply began before the person had finished."""
    lost_ms: int | None = None
    """Speech before the turn's first sample."""


class Utterance(Protocol):
    """One turn's audio at the recogniser."""

    def feed(self, pcm: bytes) -> Iterable[str]:
        """Mono s16le at 16 kHz; what is understood so far, where a look was due."""
        ...

    def finish(self) -> str: ...


OpenUtterance = Callable[[], Utterance]


def read_cases(corpus: Path) -> Iterator[tuple[Case, bytes]]:
    """Each case with its audio, mono s16le at 16 kHz."""
    for line in (corpus / "cases.jsonl").read_text().splitlines():
        told = json.loads(line)
        case = Case(**{name: told[name] for name in Case.__dataclass_fields__ if name in told})
        with wave.open(str(corpus / "mic" / f"{case.id}.wav")) as file:
            yield case, file.readframes(file.getnframes())


def run_case(
    case: Case, pcm: bytes, config: ConversationConfig, open_utterance: OpenUtterance
) -> Result:
    over_reply = case.reply_at is not None
    rig = Rig(
        config,
        open_utterance,
        first_audio_s=GAP_FIRST_AUDIO_S if case.cls == "gap" else FIRST_AUDIO_S,
        reply_s=REPLY_S if over_reply else LISTENED_REPLY_S,
    )
    if over_reply:
        rig.at(0.0, lambda: rig.machine.on_command(SendText("go on"), rig.now))
    detector = SpeechDetector()
    for number, start in enumerate(range(0, len(pcm) - FRAME_BYTES + 1, FRAME_BYTES), 1):
        rig.run_until(number * FRAME_SAMPLES / INPUT_SAMPLE_RATE)
        frame = pcm[start : start + FRAME_BYTES]
        heard = Frame(frame, float(detector.probability(frame)), level_dbfs(frame))
        rig.carry_out(rig.machine.on_frame(heard, rig.now))
    if over_reply:
        return _overlap(case, rig)
    return _gap(case, rig) if case.cls == "gap" else _listening(case, rig)


@dataclass
class Rig:
    """A conversation with its engine and its client, on a virtual clock."""

    config: ConversationConfig
    open_utterance: OpenUtterance
    first_audio_s: float
    reply_s: float
    now: float = 0.0
    log: list[tuple[float, Effect]] = field(default_factory=list)

    def __post_init__(self) -> None:
        ids = itertools.count(1)
        self.machine = TurnMachine(self.config, started_at=0, new_id=lambda: UUID(int=next(ids)))
        self._due: list[tuple[float, int, Callable[[], list[Effect]]]] = []
        self._order = itertools.count()
        self._utterances: dict[UUID, Utterance] = {}
        self._cancelled: set[UUID] = set()
        self._playing: UUID | None = None
        self._sent_ms: dict[UUID, float] = {}

    def at(self, at: float, act: Callable[[], list[Effect]]) -> None:
        heapq.heappush(self._due, (max(at, self.now), next(self._order), act))

    def run_until(self, at: float) -> None:
        while self._due and self._due[0][0] <= at:
            self.now, _, act = heapq.heappop(self._due)
            self.carry_out(act())
        self.now = at

    def times(self, kind: type) -> list[float]:
        return [at for at, effect in self.log if isinstance(effect, kind)]

    def of(self, kind: type) -> list[Any]:
        return [effect for _, effect in self.log if isinstance(effect, kind)]

    def carry_out(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            self.log.append((self.now, effect))
            match effect:
                case WakeAt(at):
                    self.at(at, lambda: self.machine.on_tick(self.now))
                case OpenTurn(turn_id):
                    self._utterances[turn_id] = self.open_utterance()
                case SendAudio(turn_id, pcm):
                    for text in self._utterances[turn_id].feed(pcm):
                        self._later(LOOK_S, PartialTranscript(turn_id, text))
                case DropTurn(turn_id):
                    del self._utterances[turn_id]
                case FlushTurn() | EndTurn(flushed=False):
                    text = self._utterances[effect.turn_id].finish()
                    heard = FinalTranscript(effect.turn_id, text, effect.reply_id)
                    self._later(TRANSCRIPT_S, heard)
                    self._reply(effect.reply_id, self.first_audio_s)
                case Respond():
                    self._reply(effect.reply_id, 0.1)
                case CancelReply(_, reply_id):
                    self._cancelled.add(reply_id)
                    self._playing = None if self._playing == reply_id else self._playing
                case PlayAudio():
                    self._play(effect)

    def _later(self, delay: float, event: Event) -> None:
        def act() -> list[Effect]:
            reply_id = getattr(event, "reply_id", None)
            if reply_id in self._cancelled and not isinstance(event, FinalTranscript):
                return []
            return self.machine.on_event(event, self.now)

        self.at(self.now + delay, act)

    def _reply(self, reply_id: UUID, first_audio_s: float) -> None:
        for number, sentence in enumerate(SENTENCES):
            self._later(TRANSCRIPT_S + 0.05, ReplySentence(reply_id, number, sentence))
        self._later(TRANSCRIPT_S + 0.06, ReplyText(reply_id, " ".join(SENTENCES), len(SENTENCES)))
        pcm = bytes(2 * int(OUTPUT_SAMPLE_RATE * self.reply_s / len(SENTENCES)))
        for number in range(len(SENTENCES)):
            last = number == len(SENTENCES) - 1
            piece = ReplyAudio(reply_id, number, number, pcm, last)
            self._later(max(first_audio_s, TRANSCRIPT_S + 0.06) + 0.02 * number, piece)

    def _play(self, audio: PlayAudio) -> None:
        reply_id, first = audio.reply_id, audio.reply_id not in self._sent_ms
        length = 1000 * len(audio.pcm) / 2 / OUTPUT_SAMPLE_RATE
        self._sent_ms[reply_id] = self._sent_ms.get(reply_id, 0) + length
        if first:
            self._playing = reply_id
            self.at(self.now, lambda: self.machine.on_command(AudioSent(reply_id), self.now))
            self._report(reply_id, self.now)
        if audio.last:
            sent = AudioSent(reply_id, last=True)
            self.at(self.now, lambda: self.machine.on_command(sent, self.now))

    def _report(self, reply_id: UUID, began: float) -> None:
        def act() -> list[Effect]:
            if self._playing != reply_id:
                return []
            played = min(1000 * (self.now - began), self._sent_ms[reply_id])
            ended = played >= 1000 * self.reply_s - 1
            if ended:
                self._playing = None
            else:
                self.at(self.now + REPORT_EVERY_S, act)
            report = PlaybackReport(reply_id, round(played), ended)
            return self.machine.on_command(report, self.now)

        self.at(self.now + REPORT_EVERY_S, act)


def _overlap(case: Case, rig: Rig) -> Result:
    onset = case.speech[0][0] if case.speech else case.reply_at or 0.0
    interrupted = rig.times(ReplyInterrupted)
    duck_ms = next((_ms(at - onset) for at in rig.times(FloorContested) if at >= onset), None)
    if not interrupted:
        return Result(case, "talked through", duck_ms=duck_ms)
    if interrupted[0] < onset:
        return Result(case, "early")
    yield_ms = _ms(interrupted[0] - onset)
    return Result(case, "yielded", yield_ms, duck_ms, lost_ms=_lost_ms(case, rig))


def _gap(case: Case, rig: Rig) -> Result:
    ends, played = rig.of(EndTurn), rig.of(PlayAudio)
    if not (ends and played):
        return Result(case, "reply lost")
    if played[0].turn_id == ends[0].turn_id:
        return Result(case, "answered")
    joined = all(end.goes_on for end in ends[1:])
    return Result(case, "joined" if joined else "reply lost")


def _listening(case: Case, rig: Rig) -> Result:
    end, commits = case.speech[-1][1], rig.times(EndTurn)
    delay = next((_ms(at - end) for at in commits if at >= end - GRACE_S), None)
    cut = any(at < end - GRACE_S for at in commits)
    return Result(
        case,
        "cut" if cut else "no end" if delay is None else "whole",
        delay_ms=delay,
        spoke_over=any(at < end - GRACE_S for at in rig.times(PlayAudio)),
        lost_ms=_lost_ms(case, rig),
    )


def _lost_ms(case: Case, rig: Rig) -> int | None:
    started = rig.of(SpeechStarted)
    if not (started and case.speech):
        return None
    lost: float = started[0].at_ms - 1000 * case.speech[0][0]
    return max(0, round(lost))


def _ms(seconds: float) -> int:
    return round(1000 * seconds)


@dataclass
class Line:
    """A class of cases in the table."""

    count: int
    shares: dict[str, float]
    """Outcome to its share, 0..1."""
    yield_ms: tuple[int, int] | None
    """Median and 95th percentile, as below."""
    duck_ms: tuple[int, int] | None
    ducked: float
    """How many of the replies were played softer, to go on or not."""
    delay_ms: tuple[int, int] | None
    spoke_over: float | None


def table(results: Iterable[Result]) -> dict[str, Line]:
    """By row; hesitations also by the length of their pause."""
    rows: dict[str, list[Result]] = defaultdict(list)
    for result in results:
        row = result.case.row
        rows[row].append(result)
        if row == "hesitation" and result.case.pauses:
            rows[f"{row}, pause {max(result.case.pauses)} s"].append(result)
    return {row: _line(found) for row, found in rows.items()}


def _line(results: Sequence[Result]) -> Line:
    outcomes = [result.outcome for result in results]
    over = [result.spoke_over for result in results if result.spoke_over is not None]
    return Line(
        len(results),
        {outcome: outcomes.count(outcome) / len(outcomes) for outcome in set(outcomes)},
        _percentiles([result.yield_ms for result in results]),
        _percentiles([result.duck_ms for result in results]),
        sum(result.duck_ms is not None for result in results) / len(results),
        _percentiles([result.delay_ms for result in results]),
        sum(over) / len(over) if over else None,
    )


def _percentiles(values: Iterable[int | None]) -> tuple[int, int] | None:
    known = [value for value in values if value is not None]
    if not known:
        return None
    p50, p95 = np.percentile(known, (50, 95))
    return round(float(p50)), round(float(p95))

"""The person's side of a conversation: their audio that belongs to no turn yet, the speech in it,
and the strategies that judge it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from interaction.core.config import TurnDetection
from interaction.core.events import (
    AnalyserVerdict,
    EngineSpeechStarted,
    EngineSpeechStopped,
    Event,
)
from interaction.core.turn_taking.speech_activity import SpeechActivity
from interaction.core.types import FRAME_MS, BargeIn, Frame


@dataclass(frozen=True, slots=True)
class OpenedTurn:
    """What a turn begins with."""

    pcm: bytes
    """Audio from before it was opened, mono s16le at 16 kHz."""
    input_ms: int
    """Where that audio begins in all input audio, ms."""
    audio_started_at: float
    """Monotonic seconds at which that audio begins: a frame ends when it comes."""
    speech_started_at: float | None
    """Monotonic seconds; None: nobody has spoken in it so far."""
    speech_ended_at: float
    """Monotonic seconds of the latest speech in it; without any, of now."""


class SpeechInput:
    def __init__(self, detection: TurnDetection, *, barge_in: BargeIn) -> None:
        self.speech = SpeechActivity(detection.threshold, detection.min_speech_ms)
        self._audio: deque[bytes] = deque()
        """Frames that no turn has got."""
        self._opened_at: float | None = None
        """Monotonic seconds at which the open turn was opened; None: no turn is open."""
        self.configure(detection, barge_in=barge_in)

    def configure(self, detection: TurnDetection, *, barge_in: BargeIn) -> None:
        """From the next frame on, turns are found like this."""
        self.speech.threshold = detection.threshold
        self.speech.evidence_ms = detection.min_speech_ms
        self.strategies = detection.make_strategies(self.speech, barge_in=barge_in)
        if self._opened_at is not None:
            self.strategies.end.on_turn_opened(self._opened_at)

    # What the strategies are fed.

    def on_frame(self, frame: Frame, now: float) -> None:
        self.speech.on_frame(frame, now)
        self._audio.append(frame.pcm)
        for strategy in self.strategies:
            strategy.on_frame(frame, now)

    def on_transcript(self, text: str, now: float, *, final: bool) -> None:
        """``text``: what the open turn says so far."""
        for strategy in self.strategies:
            strategy.on_transcript(text, now, final=final)

    def on_event(self, event: Event, now: float) -> None:
        """Transcripts apart: those are of the open turn, or none of this side's."""
        if isinstance(event, EngineSpeechStarted | EngineSpeechStopped):
            for strategy in self.strategies:
                strategy.on_engine_event(event, now)
        elif isinstance(event, AnalyserVerdict):
            for strategy in self.strategies:
                strategy.on_analysis(event, now)

    # Audio and turns.

    @property
    def has_audio(self) -> bool:
        """Whether there is audio that no turn has got."""
        return bool(self._audio)

    def open_turn(self, now: float, *, contends: bool = False) -> OpenedTurn:
        """A turn is open from now on; it gets the audio that its speech began in. ``contends``: it
        has not got the floor yet."""
        opening, speech = self.strategies.start.opening(now), self.speech
        self._opened_at = now
        self.speech.loudness.on_turn_opened()
        self.strategies.end.on_turn_opened(now)
        if contends:
            self.strategies.overlap.on_contested(now)
        self.drop_audio_beyond(opening.audio_ms)
        audio_ms = len(self._audio) * FRAME_MS
        audio_started_at = (speech.last_frame_at or now) - audio_ms / 1000
        started_at = opening.speech_started_at
        ended_at = now if started_at is None else speech.last_speech_at or now
        input_ms = speech.input_ms - audio_ms
        return OpenedTurn(self.pop_audio(), input_ms, audio_started_at, started_at, ended_at)

    def give_floor(self) -> None:
        """What contended has got the floor: it is the open turn."""
        self.strategies.overlap.on_settled()

    def close_turn(self, *, kept: bool = False) -> None:
        """The open turn is committed, or dropped: the speech so far opens no other."""
        self._opened_at = None
        self.speech.loudness.on_turn_closed(kept=kept)
        self.strategies.overlap.on_settled()
        self.strategies.overlap.on_turn_closed(kept=kept)
        self.strategies.start.discard()

    def discard_speech(self) -> None:
        """The speech so far opens no turn."""
        self.strategies.start.discard()

    def hold_speech(self) -> None:
        """The speech so far opens a turn only if it goes on."""
        self.speech.hold_run()

    def pop_audio(self) -> bytes:
        """All audio that no turn has got, for the open one."""
        pcm = b"".join(self._audio)
        self._audio.clear()
        return pcm

    def clear_audio(self) -> None:
        """Nothing that came so far belongs to a turn."""
        self._audio.clear()
        self.discard_speech()

    def drop_old_audio(self) -> None:
        """Keep what a turn could still want; for while none is open."""
        self.drop_audio_beyond(self.strategies.start.keep_ms)

    def drop_audio_beyond(self, ms: int) -> None:
        keep = -(-ms // FRAME_MS)
        while len(self._audio) > keep:
            self._audio.popleft()

"""What Gemini Live sends in pieces, put together: the person's transcript, a reply, its audio."""

from __future__ import annotations

import contextlib
import json
import math
from dataclasses import dataclass, field

from google.genai import types

from interaction.audio.resample import Resampler
from interaction.core.types import OUTPUT_SAMPLE_RATE, CutReason
from interaction.providers._shared.valid_text import ValidTextStream
from interaction.providers.realtime_protocol import InputTranscript, RealtimeEvent
from interaction.providers.stage_protocols import Usage

FILTER_WORDS = ("SAFETY", "PROHIBITED", "BLOCKLIST", "REJECTED", "UNSAFE", "INPUT_OTHER")
"""Parts of the names of reasons that mean: a filter has stopped the reply."""
INTERRUPTED = (
    "(The person interrupted your last reply there. All that they heard of it was: {heard})"
)


@dataclass
class Reply:
    """One that was asked for, or that comes."""

    started: bool = False
    """Audio, text or a tool call of it has come."""
    awaits_results: bool = False
    """It goes on once its tool calls are answered."""
    text: ValidTextStream = field(default_factory=ValidTextStream)
    pcm_bytes: int = 0
    """Bytes of its audio so far."""
    usage: Usage | None = None

    def interruption_note(self, heard_ms: int) -> str:
        """What the model must know of an interruption: what was heard, in whole words; empty where
        that is all of it."""
        audio_ms = 1000 * self.pcm_bytes // 2 // OUTPUT_SAMPLE_RATE
        if heard_ms >= audio_ms:
            return ""
        text = self.text.text
        letters = len(text) * heard_ms // audio_ms
        heard = text[: max(0, text.rfind(" ", 0, letters + 1))].strip()
        quoted = json.dumps(heard, ensure_ascii=False) if heard else "nothing"
        return INTERRUPTED.format(heard=quoted)


class InputTranscripts:
    """The person's transcripts, of one turn after another."""

    def __init__(self) -> None:
        self._text = ValidTextStream()
        self._turn = -1

    def feed(self, turn: int, piece: types.Transcription) -> list[RealtimeEvent]:
        """More of a turn's transcript; ``turn`` is -1 where it belongs to none that is known."""
        events: list[RealtimeEvent] = []
        if turn != self._turn:
            events += self.finish()
            self._text, self._turn = ValidTextStream(), turn
        if piece.text and turn >= 0:
            self._text.feed(piece.text)
            events.append(InputTranscript(turn, self._text.text.strip(), final=False))
        return [*events, *self.finish()] if piece.finished else events

    def finish(self) -> list[RealtimeEvent]:
        """No more of the turn's transcript comes."""
        self._text.finish()
        text, self._text = self._text.text.strip(), ValidTextStream()
        return [InputTranscript(self._turn, text, final=True)] if text and self._turn >= 0 else []

    def restart(self) -> None:
        """The turn is transcribed once more, from its start."""
        self._text = ValidTextStream()


class OutputResampler:
    """The replies' audio, brought to 24 kHz."""

    def __init__(self) -> None:
        self._rate = OUTPUT_SAMPLE_RATE
        self._resampler = Resampler(self._rate, OUTPUT_SAMPLE_RATE)

    def feed(self, audio: types.Blob) -> bytes:
        """Mono s16le at 24 kHz."""
        rate = _rate(audio.mime_type or "")
        if rate != self._rate:
            self._rate, self._resampler = rate, Resampler(rate, OUTPUT_SAMPLE_RATE)
        return self._resampler.feed(audio.data or b"")


def cut_reason(ended: types.TurnCompleteReason | None) -> CutReason | None:
    """Why a reply is less than whole, from the reason for which its turn was complete."""
    name = str(ended.value) if ended else ""
    return "content_filter" if any(word in name for word in FILTER_WORDS) else None


def usage_of(counts: types.UsageMetadata) -> Usage | None:
    if counts.prompt_token_count is None:
        return None
    written = (counts.response_token_count or 0) + (counts.thoughts_token_count or 0)
    return Usage(counts.prompt_token_count, written)


def seconds_of(duration: str) -> float:
    """Of a duration as the API writes it, ``"9.5s"``; 0 of what is none."""
    with contextlib.suppress(ValueError):
        if math.isfinite(seconds := float(duration.rstrip("s"))):
            return seconds
    return 0.0


def _rate(mime_type: str) -> int:
    _, _, rate = mime_type.partition("rate=")
    with contextlib.suppress(ValueError):
        return int(rate.partition(";")[0])
    return OUTPUT_SAMPLE_RATE

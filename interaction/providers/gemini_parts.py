"""What Gemini Live says in pieces: the person's words, a reply, its sound."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass

from google.genai import types

from interaction.audio.resample import Resampler
from interaction.core.types import OUTPUT_SAMPLE_RATE
from interaction.providers.base import LineEvent, Usage, Words

INTERRUPTED = (
    "(The person interrupted your last reply there. All that they heard of it was: {heard})"
)


@dataclass
class Reply:
    """One that was asked for, or that comes."""

    begun: bool = False
    awaits_results: bool = False
    text: str = ""
    pcm_bytes: int = 0
    usage: Usage | None = None

    def interrupted(self, heard_ms: int) -> str:
        """What the model must know of it: what was heard, in whole words; empty where that is all
        of it."""
        said_ms = 1000 * self.pcm_bytes // 2 // OUTPUT_SAMPLE_RATE
        if heard_ms >= said_ms:
            return ""
        letters = len(self.text) * heard_ms // said_ms
        heard = self.text[: max(0, self.text.rfind(" ", 0, letters + 1))].strip()
        quoted = json.dumps(heard, ensure_ascii=False) if heard else "nothing"
        return INTERRUPTED.format(heard=quoted)


class Heard:
    """What the person is understood to have said, of one turn after another."""

    def __init__(self) -> None:
        self._text = ""
        self._turn = -1

    def take(self, turn: int, said: types.Transcription) -> list[LineEvent]:
        """More of the words of a turn; -1: of none that is known."""
        events: list[LineEvent] = []
        if turn != self._turn:
            events += self.final()
            self._text, self._turn = "", turn
        if said.text and turn >= 0:
            self._text += said.text
            events.append(Words(turn, self._text.strip(), final=False))
        return [*events, *self.final()] if said.finished else events

    def final(self) -> list[LineEvent]:
        """No more words come of the turn."""
        text, self._text = self._text.strip(), ""
        return [Words(self._turn, text, final=True)] if text and self._turn >= 0 else []

    def forget(self) -> None:
        """The turn is heard once more, from its beginning."""
        self._text = ""


class Sound:
    """The replies' audio, at the rate at which it is wanted."""

    def __init__(self) -> None:
        self._rate = OUTPUT_SAMPLE_RATE
        self._resampler = Resampler(self._rate, OUTPUT_SAMPLE_RATE)

    def take(self, sound: types.Blob) -> bytes:
        rate = _rate(sound.mime_type or "")
        if rate != self._rate:
            self._rate, self._resampler = rate, Resampler(rate, OUTPUT_SAMPLE_RATE)
        return self._resampler.feed(sound.data or b"")


def usage(counts: types.UsageMetadata) -> Usage | None:
    if counts.prompt_token_count is None:
        return None
    written = (counts.response_token_count or 0) + (counts.thoughts_token_count or 0)
    return Usage(counts.prompt_token_count, written)


def _rate(mime_type: str) -> int:
    _, _, rate = mime_type.partition("rate=")
    with contextlib.suppress(ValueError):
        return int(rate.partition(";")[0])
    return OUTPUT_SAMPLE_RATE

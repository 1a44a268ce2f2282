"""What a conversation remembers of one turn and of the reply to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from interaction.core.effects import EndReason, Failed, FellBack, Status, TurnRecord
from interaction.core.metrics import METRIC_NAMES
from interaction.core.signals import SPEAKING_RATE, Answer, Message, StageEvent


@dataclass(slots=True)
class Sentence:
    text: str
    audio_ms: float = 0.0
    """How much audio of it has come."""


@dataclass(slots=True)
class Reply:
    id: UUID
    text: str | None = None
    """The whole reply; None while it is still being written."""
    begun: bool = False
    """The client has been told of it."""
    silent: bool = False
    """It has ended, and there is no sound of it."""
    sentences: dict[int, Sentence] = field(default_factory=dict)
    audio_ms: float = 0.0
    complete: bool = False
    """No more audio will come."""
    first_left_at: float | None = None
    all_left: bool = False
    reported_ms: int | None = None
    """Playback truth: None until the client has reported once."""
    reported_at: float | None = None
    ended: bool = False

    def add_audio(self, sentence: int, pcm: bytes) -> None:
        ms = 1000 * len(pcm) / 2 / SPEAKING_RATE
        self.audio_ms += ms
        self.sentences.setdefault(sentence, Sentence("")).audio_ms += ms

    def heard_ms(self, now: float) -> int:
        """How much the person has heard: as reported, carried on by the clock since then."""
        if self.first_left_at is None:
            return 0
        if self.reported_ms is None or self.reported_at is None:
            played = 1000 * (now - self.first_left_at)
        elif self.ended:
            played = self.reported_ms
        else:
            played = self.reported_ms + 1000 * (now - self.reported_at)
        return round(min(max(played, 0), self.audio_ms))

    def written(self) -> str:
        """The reply's text so far."""
        if self.text is not None:
            return self.text
        return " ".join(s.text for _, s in sorted(self.sentences.items()) if s.text)

    def heard_text(self, heard_ms: float) -> str:
        """The part of the text that fits into ``heard_ms``: whole sentences, then words in
        proportion. Always a prefix of ``written()``."""
        whole, end, left = self.written(), 0, float(heard_ms)
        for _, sentence in sorted(self.sentences.items()):
            start = whole.find(sentence.text, end)
            if start < 0 or left <= 0.5:  # what was heard comes rounded to whole milliseconds
                break
            if left < sentence.audio_ms - 1:
                spoken = int(len(sentence.text) * left / sentence.audio_ms)
                cut = sentence.text.rfind(" ", 0, spoken + 1)
                return whole[: start + max(cut, 0)].rstrip()
            left -= sentence.audio_ms
            end = start + len(sentence.text)
        return whole[:end].rstrip()


@dataclass(slots=True)
class Turn:
    id: UUID
    sequence: int
    kind: Literal["speech", "text"]
    opened_at: float
    progress_at: float
    """When something last happened that brings the turn nearer to its end."""
    speech_ended_at: float | None = None
    committed: bool = False
    transcript: str | None = None
    reply: Reply | None = None
    """The reply that was asked for; before the commit it is an eager one."""
    held: list[tuple[StageEvent, float]] = field(default_factory=list)
    """What an eager reply brought before the turn was sure to have ended."""
    latency: dict[str, float | None] = field(default_factory=lambda: dict.fromkeys(METRIC_NAMES))
    interrupted: bool = False
    heard_ms: int | None = None
    error: Failed | None = None
    end_reason: EndReason | None = None
    """None while the turn lives."""
    underruns: int = 0
    context: tuple[Message, ...] = ()
    """What the language model got before this turn's words."""
    fallbacks: tuple[FellBack, ...] = ()
    asked: Answer | None = None
    """A reply was asked for that waits for the transcript."""
    ends_session: bool = False
    """A tool asked for it: once the reply has been heard."""

    @property
    def reply_id(self) -> UUID | None:
        """Of the reply that comes, or that was asked for."""
        if self.reply:
            return self.reply.id
        return self.asked.reply_id if self.asked else None

    @property
    def audible(self) -> bool:
        """Whether audio of the reply has left for the client."""
        return self.reply is not None and self.reply.first_left_at is not None

    @property
    def status(self) -> Status:
        if not self.committed:
            return "recording"
        if self.reply and self.reply.audio_ms > 0:
            return "speaking"
        if self.transcript is None and not (self.reply and self.reply.begun):
            return "transcribing"
        return "responding" if self.reply else "listening"

    def since_speech(self, now: float) -> float | None:
        """Milliseconds since the person's end of speech (or their typed line)."""
        if self.speech_ended_at is None:
            return None
        return round(1000 * (now - self.speech_ended_at), 1)

    def heard_text(self) -> str:
        if self.reply is None or self.heard_ms is None:
            return ""
        return self.reply.heard_text(self.heard_ms)

    def messages(self) -> list[Message]:
        """What of this turn belongs into the context of the next ones."""
        messages = []
        if self.transcript:
            messages.append(Message("user", self.transcript))
        cut_short = self.end_reason not in (None, "played", "heard")
        said = self.reply and (self.heard_text() if cut_short else self.reply.written())
        if said:
            messages.append(Message("assistant", said))
        return messages

    def record(self) -> TurnRecord:
        assert self.end_reason is not None, "only a closed turn has a record"
        return TurnRecord(
            turn_id=self.id,
            sequence=self.sequence,
            kind=self.kind,
            transcript=self.transcript or "",
            reply=self.reply.written() if self.reply else "",
            heard_text=self.heard_text(),
            heard_ms=self.heard_ms,
            interrupted=self.interrupted,
            end_reason=self.end_reason,
            reply_id=self.reply_id,
            latency=dict(self.latency),
            error=self.error,
            underruns=self.underruns,
            fallbacks=self.fallbacks,
        )

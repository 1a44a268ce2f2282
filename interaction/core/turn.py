"""What a conversation remembers of one turn."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from interaction.core.commands import CreateResponse
from interaction.core.events import EngineEvent, ProviderSwitched
from interaction.core.metrics import METRIC_NAMES
from interaction.core.news import Failure
from interaction.core.records import TurnRecord
from interaction.core.reply import Reply
from interaction.core.types import EndReason, Message, Status


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
    held: list[tuple[EngineEvent, float]] = field(default_factory=list)
    """What an eager reply brought before the turn was sure to have ended."""
    latency: dict[str, float | None] = field(default_factory=lambda: dict.fromkeys(METRIC_NAMES))
    interrupted: bool = False
    heard_ms: int | None = None
    error: Failure | None = None
    end_reason: EndReason | None = None
    """None while the turn lives."""
    underruns: int = 0
    context: tuple[Message, ...] = ()
    """What the language model got before this turn's words."""
    fallbacks: tuple[ProviderSwitched, ...] = ()
    asked: CreateResponse | None = None
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

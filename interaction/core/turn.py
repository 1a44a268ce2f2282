"""One turn of a conversation, from its opening on, and the phase that it is in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Literal
from uuid import UUID

from interaction.core.commands import CreateResponse
from interaction.core.events import EngineEvent, ProviderSwitched, ToolInvoked
from interaction.core.metrics import METRIC_NAMES
from interaction.core.news import Failure
from interaction.core.records import TurnRecord
from interaction.core.reply import Reply
from interaction.core.tool_messages import places_of, reply_messages
from interaction.core.turn_endings import ENDINGS
from interaction.core.turn_taking.strategy import ReplyProgress
from interaction.core.types import EndReason, Message, Status

LAST_WORDS_MS = 1_000
"""A reply of which no more is left to be heard is ending."""


class Phase(Enum):
    """Where a turn is, in the order of its life; ``CONTENDING`` may come before them all, and the
    last three are of no turn of their own."""

    RECORDING = auto()
    """Open: the person speaks."""
    PREPARING = auto()
    """Open: they may have finished, and a reply is being prepared (an eager one)."""
    TRANSCRIBING = auto()
    """Committed: the transcript is awaited, and nothing of a reply has come."""
    AWAITING_REQUEST = auto()
    """Transcribed: there is no reply unless somebody asks for one."""
    RESPONDING = auto()
    """A reply is being made; no audio of it has come."""
    SPEAKING = auto()
    """Audio of the reply has come; it is sent and played."""
    CLOSED = auto()
    """Ended and archived. What is learnt of it later is archived again."""
    CONTENDING = auto()
    """Beside the live turn: somebody speaks over it, and may be given the floor. It becomes the
    open turn, or nothing ever was of it."""

    IDLE = auto()
    """No turn is alive."""
    OUT_OF_BAND = auto()
    """A reply that is no part of the conversation."""
    UNKNOWN = auto()
    """A turn or reply that never was, was dropped, or is too long ago."""


OPEN = (Phase.RECORDING, Phase.PREPARING)
COMMITTED = (Phase.TRANSCRIBING, Phase.AWAITING_REQUEST, Phase.RESPONDING, Phase.SPEAKING)

STATUS: Mapping[Phase, Status] = {
    Phase.RECORDING: "recording",
    Phase.PREPARING: "recording",
    Phase.TRANSCRIBING: "transcribing",
    Phase.AWAITING_REQUEST: "listening",
    Phase.RESPONDING: "responding",
    Phase.SPEAKING: "speaking",
    Phase.IDLE: "listening",
}
"""What the client is shown while the live turn is in a phase."""


@dataclass(slots=True)
class Turn:
    """All times are monotonic seconds."""

    id: UUID
    sequence: int
    kind: Literal["speech", "text"]
    phase: Phase
    opened_at: float
    progress_at: float
    """When something last happened that brings the turn nearer to its end."""
    audio_started_at: float | None = None
    """When the first of the person's audio that belongs to it began; None of typed turns."""
    speech_started_at: float | None = None
    """When the person began to speak; None: they have not, or typed."""
    speech_ended_at: float | None = None
    """When the person last spoke, or sent their typed line; latency counts from here."""
    transcript: str | None = None
    """None: not known yet."""
    reply: Reply | None = None
    """The reply that the engine makes; while the turn is open, an eager one."""
    held_events: list[tuple[EngineEvent, float]] = field(default_factory=list)
    """What has come and must not leave yet, each with its time: of an eager reply while the turn is
    open, of one that cannot be heard yet while somebody contends for its floor, of the contending
    turn itself."""
    audio_from_ms: int = 0
    """Where its audio begins in all input audio, ms."""
    latency: dict[str, float | None] = field(default_factory=lambda: dict.fromkeys(METRIC_NAMES))
    """Metric name to ms; None where unknown."""
    heard_ms: int | None = None
    """How much of the reply the person has heard; None: there was none, or it goes on."""
    error: Failure | None = None
    end_reason: EndReason | None = None
    """How it ended; None while it is alive."""
    noted_ms: int = 0
    """How much of it was noted as heard, should this process die."""
    underruns: int = 0
    """How often the client's playback had to wait for audio."""
    context: tuple[Message, ...] = ()
    """What the language model got before this turn's words."""
    fallbacks: tuple[ProviderSwitched, ...] = ()
    tools: list[ToolInvoked] = field(default_factory=list)
    """What the tools of its reply did, in the order of the calls."""
    requested: CreateResponse | None = None
    """The request for a reply; where the reply is not there yet, it waits for the transcript."""
    ends_session: bool = False
    """A tool asked for the session's end, once the reply has been heard."""

    @property
    def reply_id(self) -> UUID | None:
        """Id of the reply that comes, or that was asked for."""
        if self.reply:
            return self.reply.id
        return self.requested.reply_id if self.requested else None

    @property
    def reply_progress(self) -> ReplyProgress:
        if self.reply_id is None:
            return ReplyProgress.NONE
        if self.reply is None or self.reply.first_sent_at is None:
            return ReplyProgress.PENDING
        return ReplyProgress.SENT if self.reply.all_sent else ReplyProgress.AUDIBLE

    def progress_at_present(self, now: float) -> ReplyProgress:
        """``reply_progress``, and whether the reply is about to end."""
        progress = self.reply_progress
        if progress is not ReplyProgress.SENT or self.reply is None:
            return progress
        left_ms = self.reply.audio_ms - self.reply.heard_ms(now, carried_on=True)
        return ReplyProgress.ENDING if left_ms <= LAST_WORDS_MS else progress

    @property
    def audible(self) -> bool:
        """Whether audio of the reply has left for the client."""
        return self.reply_progress in (ReplyProgress.AUDIBLE, ReplyProgress.SENT)

    def since_speech(self, now: float) -> float | None:
        """Milliseconds since the person's end of speech (or their typed line)."""
        if self.speech_ended_at is None:
            return None
        return round(1000 * (now - self.speech_ended_at), 1)

    def heard_text(self) -> str:
        if self.reply is None or self.heard_ms is None:
            return ""
        return self.reply.heard_text(self.heard_ms)

    @property
    def goes_on(self) -> bool:
        """Whether what is said next goes on with its words: they spoke on before anything of the
        reply was heard."""
        unheard = self.end_reason in ("superseded", "interrupted") and not self.heard_ms
        return unheard and bool(self.transcript) and not self.tools

    def messages(self) -> list[Message]:
        """What of this turn belongs into the context of the next ones."""
        messages = []
        if self.transcript:
            messages.append(Message("user", self.transcript))
        if self.reply:
            messages += reply_messages(self._kept_reply(self.reply), self.tools)
        return messages

    def _kept_reply(self, reply: Reply) -> list[str]:
        """What of the reply's text is kept, cut where its tools were called."""
        cut_short = self.end_reason and ENDINGS[self.end_reason].reply_kept == "heard"
        kept = self.heard_text() if cut_short else reply.written()
        ends = [reply.end_of_sentence(count) for count in places_of(self.tools)]
        starts = [0, *ends]
        return [kept[a:b].strip() for a, b in zip(starts, [*ends, None], strict=True)]

    def record(self, session_started_at: float) -> TurnRecord:
        assert self.end_reason is not None, "only a closed turn has a record"

        def clock(at: float | None) -> int | None:
            return None if at is None else max(round(1000 * (at - session_started_at)), 0)

        spoken = self.speech_started_at is not None
        audible = self.reply.audible_span(self.heard_ms) if self.reply else None
        return TurnRecord(
            turn_id=self.id,
            sequence=self.sequence,
            kind=self.kind,
            transcript=self.transcript or "",
            reply=self.reply.written() if self.reply else "",
            heard_text=self.heard_text(),
            heard_ms=self.heard_ms,
            interrupted=ENDINGS[self.end_reason].by_person,
            end_reason=self.end_reason,
            cut=self.reply.cut if self.reply else None,
            messages=tuple(self.messages()),
            reply_id=self.reply_id,
            latency=dict(self.latency),
            error=self.error,
            underruns=self.underruns,
            fallbacks=self.fallbacks,
            opened_ms=clock(self.opened_at),
            user_audio_started_ms=clock(self.audio_started_at),
            speech_started_ms=clock(self.speech_started_at),
            speech_ended_ms=clock(self.speech_ended_at) if spoken else None,
            reply_started_ms=clock(audible[0]) if audible else None,
            reply_ended_ms=clock(audible[1]) if audible else None,
        )

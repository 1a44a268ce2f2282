"""What is archived of a turn."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from interaction.core.events import ProviderSwitched
from interaction.core.news import Failure
from interaction.core.types import CutReason, EndReason, Message


@dataclass(frozen=True, slots=True)
class TurnRecord:
    """Everything the web side knows of a turn when it closes (or later, when it learns more).

    Its times are ms on the session's clock: from the session's start, by the web process's
    monotonic clock.
    """

    turn_id: UUID
    sequence: int
    kind: Literal["speech", "text"]
    transcript: str
    reply: str
    heard_text: str
    heard_ms: int | None
    interrupted: bool
    end_reason: EndReason
    reply_id: UUID | None
    cut: CutReason | None = None
    """Why the reply is less than the model's whole answer."""
    messages: tuple[Message, ...] = ()
    """What of the turn belongs into the context of the next ones."""
    latency: dict[str, float | None] = field(default_factory=dict)
    """Metric name to ms; null where unknown. Names as in ``metrics.METRICS``."""
    error: Failure | None = None
    underruns: int = 0
    """How often the client's playback had to wait for audio."""
    fallbacks: tuple[ProviderSwitched, ...] = ()
    opened_ms: int | None = None
    """When the turn was opened: its onset was made out, or the typed line came."""
    user_audio_started_ms: int | None = None
    """Where the person's recording begins, pre-roll included; null of typed turns."""
    speech_started_ms: int | None = None
    """Onset of the person's speech; null where none was found, and of typed turns."""
    speech_ended_ms: int | None = None
    """End of the person's speech; null as above."""
    reply_started_ms: int | None = None
    """When the reply became audible: when its first audio was sent, set right by the client's first
    report of playback; null where nothing of it was heard."""
    reply_ended_ms: int | None = None
    """When the reply ceased to be audible: played to its end, or cut off; null as above."""

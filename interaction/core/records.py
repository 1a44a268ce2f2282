"""What is archived of a turn."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from interaction.core.events import ProviderSwitched
from interaction.core.news import Failure
from interaction.core.types import EndReason


@dataclass(frozen=True, slots=True)
class TurnRecord:
    """Everything the web side knows of a turn when it closes (or later, when it learns more)."""

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
    latency: dict[str, float | None] = field(default_factory=dict)
    """Metric name to ms; null where unknown. Names as in ``metrics.METRICS``."""
    error: Failure | None = None
    underruns: int = 0
    fallbacks: tuple[ProviderSwitched, ...] = ()

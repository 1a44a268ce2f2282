"""What is learnt of a turn beside its course: figures, costs, who served it, words that come late.

Such facts come for the live turn and, late, for closed ones, whose record is then sent again.
"""

from __future__ import annotations

from uuid import UUID

from interaction.core.context_window import ContextWindow
from interaction.core.events import (
    FinalTranscript,
    MetricMeasured,
    ProviderSwitched,
    UsageReported,
)
from interaction.core.news import TranscriptUpdated
from interaction.core.orders import CloseTurn, Effect
from interaction.core.turn import Turn
from interaction.core.types import Message

Fact = MetricMeasured | ProviderSwitched | UsageReported


class LateFacts:
    def __init__(self, past: ContextWindow) -> None:
        self._past = past

    def take(self, fact: Fact, live: Turn | None) -> list[Effect]:
        """Note a fact about the live turn or a closed one; of other turns nothing is known."""
        turn = self._known(fact.turn_id, live)
        if turn is None:
            return []
        match fact:
            case MetricMeasured(metric=metric, ms=ms):
                if turn is not live and turn.latency[metric] is not None:
                    return []
                turn.latency[metric] = round(ms, 1)
                return _amended(turn)
            case ProviderSwitched():
                turn.fallbacks += (fact,)
                return [fact, *_amended(turn)]
            case UsageReported(prompt_tokens=counted):
                said = [Message("user", turn.transcript or "")] if turn.kind == "speech" else []
                if turn.context:
                    self._past.estimate.learn([*turn.context, *said], counted)
                return [fact]

    def late_transcript(self, event: FinalTranscript) -> list[Effect]:
        """A turn that was talked over while it was being transcribed: the words still count."""
        turn = self._past.by_id(event.turn_id)
        if turn is None or turn.transcript is not None:
            return []
        turn.transcript = event.text
        return [TranscriptUpdated(turn.id, event.text, final=True), *_amended(turn)]

    def _known(self, turn_id: UUID, live: Turn | None) -> Turn | None:
        return live if live and live.id == turn_id else self._past.by_id(turn_id)


def _amended(turn: Turn) -> list[Effect]:
    return [] if turn.end_reason is None else [CloseTurn(turn.record())]

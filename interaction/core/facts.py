"""What is learnt of a turn beside its course: figures, costs, who served it, words that come late.

Such facts come for the live turn and, late, for closed ones, whose record is then sent again.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any, TypeVar
from uuid import UUID

from interaction.core import effects as out
from interaction.core import signals as sig
from interaction.core.effects import Effect
from interaction.core.past import Past
from interaction.core.signals import Message
from interaction.core.turn import Turn

Fact = sig.Measured | sig.ProviderSwitched | sig.Used
News = TypeVar("News", out.ToolUsed, out.FellBack, out.Spent, out.EngineGone)


class Facts:
    def __init__(self, past: Past) -> None:
        self._past = past

    def take(self, fact: Fact, live: Turn | None) -> list[Effect]:
        """Note a fact about the live turn or a closed one; of other turns nothing is known."""
        turn = self._known(fact.turn_id, live)
        if turn is None:
            return []
        match fact:
            case sig.Measured(metric=metric, ms=ms):
                if turn is not live and turn.latency[metric] is not None:
                    return []
                turn.latency[metric] = round(ms, 1)
                return _amended(turn)
            case sig.ProviderSwitched():
                turn.fallbacks += (as_news(out.FellBack, fact),)
                return [turn.fallbacks[-1], *_amended(turn)]
            case sig.Used(prompt_tokens=counted):
                said = [Message("user", turn.transcript or "")] if turn.kind == "speech" else []
                if turn.context:
                    self._past.estimate.learn([*turn.context, *said], counted)
                return [as_news(out.Spent, fact)]

    def late_transcript(self, event: sig.FinalTranscript) -> list[Effect]:
        """A turn that was talked over while it was being transcribed: the words still count."""
        turn = self._past.by_id(event.turn_id)
        if turn is None or turn.transcript is not None:
            return []
        turn.transcript = event.text
        return [out.TranscriptHeard(turn.id, event.text, final=True), *_amended(turn)]

    def _known(self, turn_id: UUID, live: Turn | None) -> Turn | None:
        return live if live and live.id == turn_id else self._past.by_id(turn_id)


def _amended(turn: Turn) -> list[Effect]:
    return [] if turn.end_reason is None else [out.CloseTurn(turn.record())]


def as_news(kind: type[News], event: Any) -> News:
    """For news that says to the client just what the engine said, field by field."""
    return kind(**{field.name: getattr(event, field.name) for field in fields(kind)})

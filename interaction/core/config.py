"""How a conversation is led: turn detection, barge-in, prompt and the limits of the context."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from interaction.core.turn_taking.buffered import BufferedTurnDetection
from interaction.core.turn_taking.engine_detected import EngineTurnDetection
from interaction.core.turn_taking.manual import ManualTurnDetection
from interaction.core.turn_taking.semantic import SemanticTurnDetection
from interaction.core.turn_taking.vad import VadTurnDetection
from interaction.core.types import BargeIn, Message, ResponseOptions

TurnDetection = (
    VadTurnDetection
    | ManualTurnDetection
    | SemanticTurnDetection
    | EngineTurnDetection
    | BufferedTurnDetection
)  # fmt: skip
"""Every kind there is. A new one is a file in ``turn_taking`` and a line here."""

_BY_CHOICE: dict[str, type[TurnDetection]] = {
    choice: kind for kind in get_args(TurnDetection) for choice in kind.choices
}
TURN_DETECTION_CHOICES = tuple(_BY_CHOICE)
"""Names under which clients choose a kind of turn detection."""


def choose_turn_detection(choice: str, settings: Mapping[str, Any]) -> TurnDetection:
    """The kind of that name, one of ``TURN_DETECTION_CHOICES``, with those of the settings that it
    has; it ignores the others."""
    return _BY_CHOICE[choice].from_choice(choice, settings)


@dataclass(frozen=True, slots=True)
class ConversationConfig:
    system_prompt: str = ""
    barge_in: BargeIn = "immediate"
    """What speech over a reply does. Sessions served by a cascade have ``considered``: an engine
    with one input buffer cannot listen to two turns at once."""
    turn_detection: TurnDetection = field(default_factory=VadTurnDetection)
    history: tuple[Message, ...] = ()
    """Messages from before this conversation, where it continues an earlier one."""
    context_turns: int = 20
    """Turns that the context reaches back."""
    respond_when: Literal["always", "asked", "never"] = "always"
    """Whether a turn is replied to by itself, on a ``CreateResponse``, or not at all."""
    options: ResponseOptions = field(default_factory=ResponseOptions)
    """How replies are made that nobody asks for with options of their own."""
    context_tokens: int = 6_000
    """Tokens that the context may have, estimated; the system prompt and the turn itself always
    go along."""

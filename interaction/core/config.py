"""How a conversation is led: turn detection, barge-in, prompt and context limits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from interaction.core.types import Message, ResponseOptions


@dataclass(frozen=True, slots=True)
class TurnDetection:
    """How a turn's beginning and end are found. All durations in ms."""

    kind: Literal["vad", "manual", "none", "server", "semantic"] = "vad"
    """``manual``: the client opens the turn with its first audio and ends it with a commit.
    ``none``: a commit makes a turn of all that came since the last one, whether or not somebody
    is heard in it, and speech interrupts nothing.
    ``server`` and ``semantic``: the engine finds the turns, by silence or by what was said."""
    threshold: float = 0.5
    """Speech probability that starts a turn; it ends 0.15 below (hysteresis)."""
    prefix_ms: int = 300
    """Audio from before the detected onset that still belongs to the turn."""
    min_speech_ms: int = 96
    """Speech shorter than this is a click, not an onset."""
    min_barge_in_ms: int = 192
    """The same while a reply plays: a cough must not stop it."""
    silence_ms: int = 600
    """Silence that ends the turn."""
    eager_silence_ms: int | None = None
    """Silence after which the reply is prepared before the turn is sure to have ended."""
    max_turn_ms: int = 120_000


@dataclass(frozen=True, slots=True)
class ConversationConfig:
    system_prompt: str = ""
    barge_in: bool = True
    turn_detection: TurnDetection = field(default_factory=TurnDetection)
    history: tuple[Message, ...] = ()
    """Messages from before this conversation, where it continues an earlier one."""
    context_turns: int = 20
    """Turns that the context reaches back."""
    respond_when: Literal["always", "asked", "never"] = "always"
    """Whether a turn is replied to by itself, on an ``CreateResponse``, or not at all."""
    options: ResponseOptions = field(default_factory=ResponseOptions)
    """Of the replies that are made by themselves."""
    context_tokens: int = 6_000
    """Tokens that the context may have, estimated; the system prompt and the turn itself always
    go along."""

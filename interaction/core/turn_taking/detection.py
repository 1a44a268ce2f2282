"""What the settings of every kind of turn detection have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, Self

from interaction.core.turn_taking.speech_activity import SpeechActivity
from interaction.core.turn_taking.strategy import Strategies
from interaction.core.types import BargeIn

if TYPE_CHECKING:
    from interaction.core.config import TurnDetection


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnDetectionBase(ABC):
    """How the start and the end of a turn are found. All durations in ms.

    Each kind is a frozen dataclass with a field ``kind``, a ``Literal`` that tells it from the
    others wherever the settings travel as JSON.
    """

    choices: ClassVar[tuple[str, ...]] = ()
    """Names under which clients choose it."""
    engine_detects_turns: ClassVar[bool] = False
    """The engine finds the turns: it gets all input audio, and reports speech and silence."""
    commit_opens_turn: ClassVar[bool] = False
    """A commit makes a turn of the input audio that was kept for it."""

    threshold: float = 0.5
    """Speech probability, 0..1, that is speech; it is over 0.15 below that (hysteresis)."""
    prefix_ms: int = 300
    """Audio from before the onset of speech that still belongs to the turn."""
    min_speech_ms: int = 96
    """Speech shorter than this is a click and no onset."""
    min_barge_in_ms: int = 192
    """Speech shorter than this interrupts no reply that can be heard: a cough must not."""
    max_turn_ms: int = 120_000
    """A turn that is open for so long is ended."""

    @abstractmethod
    def make_strategies(self, speech: SpeechActivity, *, barge_in: BargeIn) -> Strategies:
        """``speech``: the activity of the microphone, fed by whoever feeds the strategies.
        ``barge_in``: what speech over a reply does; a kind that cannot consider it interrupts."""

    def without_engine(self) -> TurnDetection:
        """The same for an engine that finds no turns itself."""
        return self  # type: ignore[return-value]  # every kind is in the union

    @classmethod
    def from_choice(cls, choice: str, settings: Mapping[str, Any]) -> Self:
        """Make it from a session's settings; those that it has no field for are ignored.

        ``choice``: one of ``choices``; a kind with several has a field ``style`` for it.
        """
        own = {field.name for field in fields(cls)} - {"kind"}
        named = {**settings, "style": choice}
        return cls(**{name: value for name, value in named.items() if name in own})

"""What answers a conversation's orders: the cascade of Celery stages, or a realtime provider."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from interaction.core.config import TurnDetection
from interaction.core.events import EngineEvent
from interaction.core.orders import EngineOrder
from interaction.core.records import TurnRecord
from interaction.core.turn_taking.vad import VadTurnDetection
from interaction.core.types import Message, Mode
from interaction.providers.base import ProviderChoice


@dataclass(frozen=True, slots=True)
class SessionSpec:
    """What an engine must know of its session."""

    session_id: UUID
    owner_id: int
    stt: tuple[ProviderChoice, ...]
    """In order: the first one serves, the next where it fails before its first output."""
    llm: tuple[ProviderChoice, ...]
    tts: tuple[ProviderChoice, ...]
    tools: tuple[str, ...] = ()
    """Names of the tools that the language model is given."""
    redact: bool = True
    """Whether long digit sequences are masked where transcripts are born."""
    recording: bool = True
    auto_fallback: bool = False
    """Whether the other mode steps in without being asked."""
    mode: Mode = "cascade"
    """Which engine serves it. The choices of the other mode are there too: it may step in."""
    realtime: ProviderChoice | None = None
    """Who serves it in realtime mode; None where that is not to be had."""
    system_prompt: str = ""
    """For an engine that tells its provider once; a cascade gets it with every context."""
    history: tuple[Message, ...] = ()
    """What was said before, where the engine takes a session over."""
    turns: TurnDetection = field(default_factory=VadTurnDetection)
    """For an engine that finds turns itself."""
    barge_in: bool = True
    paced: bool = True
    """Whether replies are played as they come, so that speech need not be made far ahead of what
    plays. False where the whole reply is wanted as soon as possible (an uploaded file's)."""


class Engine(Protocol):
    """Owns no turn-taking: it does what it is told and says what happened.

    ``perform`` and ``close_turn`` never block and never raise for a broken backend: what goes
    wrong comes back as a ``StageFailed`` event, or as ``EngineLost`` where nothing more can come.
    """

    async def open(self) -> None:
        """Get ready; raises ``EngineUnavailable`` where that is impossible."""
        ...

    def execute(self, order: EngineOrder) -> None:
        """Carry out an order, in the order given."""
        ...

    async def wait_until_executed(self) -> None:
        """Wait until all orders so far have been passed on: for recordings, which come faster
        than anybody speaks."""
        ...

    def archive_turn(self, record: TurnRecord) -> None:
        """Have the turn archived; may be called again for the same turn with more facts."""
        ...

    def events(self) -> AsyncGenerator[EngineEvent, None]: ...

    async def close(self) -> None:
        """Hand over what is still to be archived, then free everything."""
        ...


class EngineUnavailable(Exception):
    """``message`` is for the person: what is missing and what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

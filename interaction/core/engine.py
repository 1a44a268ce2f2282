"""What carries out the turn machine's orders: the cascade of Celery stages, or the connection to a
realtime provider.

The protocol stands in the core so that both engines, the bus and the sessions can name it and
import nothing of each other.
"""

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
from interaction.core.types import Message, Mode, ProviderSelection


@dataclass(frozen=True, slots=True)
class SessionSpec:
    """What an engine must know of its session. It travels to workers as JSON and holds no key."""

    session_id: UUID
    owner_id: int
    """Primary key of the user whose providers and keys serve it."""
    stt: tuple[ProviderSelection, ...]
    """STT providers in order: the first one serves, the next where it fails before its first
    output."""
    llm: tuple[ProviderSelection, ...]
    """LLM providers, in order as above."""
    tts: tuple[ProviderSelection, ...]
    """TTS providers, in order as above."""
    tools: tuple[str, ...] = ()
    """Names of the tools that the language model may call and that run here."""
    redact: bool = True
    """Whether long digit sequences are masked in transcripts as they come from the provider."""
    recording: bool = True
    """Whether the audio of both sides is archived."""
    auto_fallback: bool = False
    """Whether the other mode takes over by itself when this one fails; else it is offered."""
    mode: Mode = "cascade"
    """Which engine serves it. The providers of the other mode are named too: it may take over."""
    realtime: ProviderSelection | None = None
    """Provider of realtime mode; None: the session has none."""
    system_prompt: str = ""
    """System prompt, for an engine that sends it once; a cascade gets it with every context."""
    history: tuple[Message, ...] = ()
    """The conversation so far, where the engine takes over in the middle of one."""
    turns: TurnDetection = field(default_factory=VadTurnDetection)
    """Turn detection, for an engine that detects turns itself."""
    barge_in: bool = True
    """Whether speech may interrupt a reply."""
    time_zone: str = ""
    """IANA name of the person's time zone; empty: the server's."""
    paced: bool = True
    """Whether replies are played as they come, so that speech need not be synthesised far ahead of
    playback. False where the whole reply is wanted as soon as possible (an uploaded file's)."""

    @property
    def language(self) -> str:
        """The conversation's language as the one who talks chose it; empty: unknown."""
        realtime = (self.realtime,) if self.realtime and self.mode == "realtime" else ()
        return next((one.language for one in (*realtime, *self.stt, *self.tts) if one.language), "")


class Engine(Protocol):
    """Decides nothing of turn-taking: it carries out orders and reports what happens.

    ``execute`` and ``archive_turn`` never block and never raise for a broken backend: what goes
    wrong is reported as a ``StageFailed`` event, or as ``EngineLost`` where nothing more can come.
    """

    async def open(self) -> None:
        """Connect to what it needs. Raises ``EngineUnavailable``."""
        ...

    def execute(self, order: EngineOrder) -> None:
        """Carry out an order, in the order given."""
        ...

    async def wait_until_executed(self) -> None:
        """Wait until all orders so far have been passed on: for recordings, whose audio comes
        faster than real time."""
        ...

    def archive_turn(self, record: TurnRecord) -> None:
        """Have the turn archived; called again for the same turn when more is learnt of it."""
        ...

    def events(self) -> AsyncGenerator[EngineEvent, None]:
        """What it reports, in order, until it is closed."""
        ...

    async def close(self) -> None:
        """Hand over what is still to be archived, then free all resources."""
        ...


class EngineUnavailable(Exception):
    """The engine cannot be opened. ``message`` is for the person: what is missing, what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

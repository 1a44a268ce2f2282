"""What a tool is: a function that a language model may call while it writes a reply.

A tool is a plain class, made without arguments. It runs on the event loop of the process
that has the reply (a worker in cascade mode, the web process in realtime mode), so it awaits what
takes long; and only for a turn that is committed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from interaction.core.engine import SessionSpec


class Arguments(BaseModel):
    """Base of the models that arguments are validated with: an unknown field is refused."""

    model_config = ConfigDict(extra="forbid")


@dataclass
class ToolContext:
    """The session, turn and person that a tool runs for: one object for all calls of a reply."""

    session_id: UUID
    turn_id: UUID
    owner_id: int
    time_zone: str = ""
    """IANA name of the person's time zone; empty: the server's."""
    language: str = ""
    """BCP 47 tag of the language in which the reply is spoken; empty: the server's."""
    end_session_requested: bool = False
    """Set by a tool: the session is to end once this reply has been heard."""


def context_for(spec: SessionSpec, turn_id: UUID) -> ToolContext:
    """The context of a turn's calls."""
    language = spec.tts[0].language if spec.tts else ""
    return ToolContext(spec.session_id, turn_id, spec.owner_id, spec.time_zone, language)


class ToolFailed(Exception):
    """The tool could not do its work. The exception's text is the result that the language model
    gets, and is kept with the turn."""


class Tool(Protocol):
    name: str
    description: str
    """For the language model: what it does, and when to use it."""
    timeout: float
    """Seconds after which a call of it is stopped."""

    @property
    def arguments(self) -> type[BaseModel]:
        """The model that its arguments are validated with."""
        ...

    async def run(self, arguments: Any, context: ToolContext) -> Any:
        """Carry out one call; ``arguments`` is an instance of ``self.arguments``.

        Returns what pydantic can write as JSON; raises ``ToolFailed``.
        """
        ...

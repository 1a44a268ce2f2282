"""What a tool is: something that a language model may have done while it answers.

A tool is a plain class, made without arguments. It runs on the worker's event loop, so it awaits
what takes long, and only for a turn that is committed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from pydantic import BaseModel, ConfigDict


class Arguments(BaseModel):
    """Base of the models that arguments are validated with: what is not asked for is refused."""

    model_config = ConfigDict(extra="forbid")


@dataclass
class Situation:
    """For whom a tool runs, and what it may bring about beside its result."""

    session_id: UUID
    turn_id: UUID
    owner_id: int
    session_over: bool = False
    """Set by a tool: the session is to end once this reply has been heard."""


class ToolFailed(Exception):
    """The tool could not do it; its text is told to the language model and kept with the turn."""


class Tool(Protocol):
    name: str
    description: str
    """For the language model: what it does, and when to use it."""
    within: float
    """Seconds after which it is stopped."""

    @property
    def arguments(self) -> type[BaseModel]:
        """What its arguments are validated with."""
        ...

    async def run(self, arguments: Any, situation: Situation) -> Any:
        """Do it; ``arguments`` is an instance of ``self.arguments``.

        Returns what pydantic can write as JSON; raises ``ToolFailed``.
        """
        ...

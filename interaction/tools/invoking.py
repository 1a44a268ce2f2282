"""Carries out what a language model asks for: nothing of it is trusted, and nothing raises."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ValidationError
from pydantic_core import to_json

from interaction.core.types import ToolCall
from interaction.crashes import log_crash
from interaction.tools.base import Situation, Tool, ToolFailed

logger = logging.getLogger(__name__)

Status = Literal["succeeded", "failed", "timed_out", "refused"]


@dataclass(frozen=True, slots=True)
class Outcome:
    status: Status
    result: str
    """JSON text where it succeeded, else what went wrong."""

    def for_model(self) -> str:
        """JSON text in any case."""
        return self.result if self.status == "succeeded" else _json({"error": self.result})


async def invoke(tools: Mapping[str, Tool], call: ToolCall, situation: Situation) -> Outcome:
    """Run the tool that ``call`` names, if it is among ``tools`` and its arguments are valid."""
    tool = tools.get(call.name)
    if tool is None:
        known = ", ".join(tools) or "none"
        return Outcome("refused", f"There is no such tool. Available: {known}.")
    try:
        arguments = tool.arguments.model_validate_json(call.arguments or "{}")
    except ValidationError as error:
        return Outcome("refused", f"The arguments are not valid: {_complaints(error)}.")
    return await _run(tool, arguments, situation)


async def _run(tool: Tool, arguments: BaseModel, situation: Situation) -> Outcome:
    limit = asyncio.timeout(tool.within)
    try:
        async with limit:
            return Outcome("succeeded", _json(await tool.run(arguments, situation)))
    except ToolFailed as failed:
        return Outcome("failed", str(failed))
    except Exception as error:
        if limit.expired():
            return Outcome("timed_out", f"It took longer than {tool.within:g} s and was stopped.")
        log_crash(logger, error, {"session": situation.session_id, "turn": situation.turn_id})
        return Outcome("failed", "The tool has an error of its own.")


def _complaints(error: ValidationError) -> str:
    """Which field is wrong and why, without quoting what was given."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, one['loc'])) or 'all'}: {one['msg']}" for one in found)


def _json(value: Any) -> str:
    return to_json(value).decode()

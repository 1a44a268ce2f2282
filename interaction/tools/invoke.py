"""Runs one tool call of a language model. The call is not trusted, and nothing raises."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ValidationError
from pydantic_core import to_json

from interaction.core.tool_messages import result_for_model
from interaction.core.types import ToolCall
from interaction.safe_logging import log_crash
from interaction.tools.base import Tool, ToolContext, ToolFailed

logger = logging.getLogger(__name__)

Status = Literal["succeeded", "failed", "timed_out", "refused"]


@dataclass(frozen=True, slots=True)
class ToolOutcome:
    """How a tool call ended; ``refused``: no tool was run for it."""

    status: Status
    result: str
    """The result as JSON text where the call succeeded, else an error message."""

    def for_model(self) -> str:
        """The content of the tool message for the language model: JSON text in any case."""
        return result_for_model(self.status, self.result)


async def invoke(tools: Mapping[str, Tool], call: ToolCall, context: ToolContext) -> ToolOutcome:
    """Run the tool that ``call`` names, if it is among ``tools`` and its arguments are valid."""
    tool = tools.get(call.name)
    if tool is None:
        known = ", ".join(tools) or "none"
        return ToolOutcome("refused", f"There is no such tool. Available: {known}.")
    try:
        arguments = tool.arguments.model_validate_json(call.arguments or "{}")
    except ValidationError as error:
        return ToolOutcome("refused", f"The arguments are not valid: {_describe(error)}.")
    return await _run(tool, arguments, context)


async def _run(tool: Tool, arguments: BaseModel, context: ToolContext) -> ToolOutcome:
    limit = asyncio.timeout(tool.timeout)
    try:
        async with limit:
            return ToolOutcome("succeeded", _json(await tool.run(arguments, context)))
    except ToolFailed as failed:
        return ToolOutcome("failed", str(failed))
    except Exception as error:
        if limit.expired():
            result = f"It took longer than {tool.timeout:g} s and was stopped."
            return ToolOutcome("timed_out", result)
        log_crash(logger, error, {"session": context.session_id, "turn": context.turn_id})
        return ToolOutcome("failed", "The tool has an error of its own.")


def _describe(error: ValidationError) -> str:
    """Which fields are wrong and why, without quoting their values."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, one['loc'])) or 'all'}: {one['msg']}" for one in found)


def _json(value: Any) -> str:
    return to_json(value).decode()

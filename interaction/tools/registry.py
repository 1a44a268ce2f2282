"""Every tool of this server, by name. A tool's module is imported when the tool is first loaded."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from interaction.core.types import ToolSpec
from interaction.tools.base import Tool


@dataclass(frozen=True, slots=True)
class ToolEntry:
    """Where a tool's class is, and the texts that the voice page shows of it."""

    label: Promise
    """The tool's name for people."""
    purpose: Promise
    """What the tool is for, for people."""
    path: str
    """``module:Class``; the class is made without arguments."""


TOOLS: Mapping[str, ToolEntry] = {
    "current_time": ToolEntry(
        _("Current time"),
        _("The agent can look up the date and time, anywhere in the world."),
        "interaction.tools.current_time:CurrentTime",
    ),
    "end_session": ToolEntry(
        _("End the conversation"),
        _("The agent can hang up once you have said goodbye."),
        "interaction.tools.end_session:EndSession",
    ),
}


def load_tool(name: str) -> Tool:
    """Make the tool of that name; ``KeyError`` where there is none."""
    module, class_name = TOOLS[name].path.split(":")
    tool: Tool = getattr(import_module(module), class_name)()
    return tool


def load_tools(names: Iterable[str]) -> dict[str, Tool]:
    """The tools of those names, in their order, by name; a name that no tool has is left out."""
    return {name: load_tool(name) for name in names if name in TOOLS}


def tool_spec(tool: Tool) -> ToolSpec:
    """The tool's name, description and arguments as a language model's provider gets them."""
    return ToolSpec(tool.name, tool.description, json.dumps(tool.arguments.model_json_schema()))

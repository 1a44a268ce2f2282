"""Every tool there is, by name. Nothing is imported before it is asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from interaction.core.types import ToolSpec
from interaction.tools.base import Tool


@dataclass(frozen=True, slots=True)
class Entry:
    label: Promise
    """A name for people."""
    purpose: Promise
    """What it is for, for people."""
    path: str
    """``module:Class``; the class is made without arguments."""


TABLE: Mapping[str, Entry] = {
    "current_time": Entry(
        _("Current time"),
        _("The agent can look up the date and time, anywhere in the world."),
        "interaction.tools.current_time:CurrentTime",
    ),
    "end_session": Entry(
        _("End the conversation"),
        _("The agent can hang up once you have said goodbye."),
        "interaction.tools.end_session:EndSession",
    ),
}


def load(name: str) -> Tool:
    """Make the tool of that name; ``KeyError`` where there is none."""
    module, class_name = TABLE[name].path.split(":")
    tool: Tool = getattr(import_module(module), class_name)()
    return tool


def spec_of(tool: Tool) -> ToolSpec:
    """The tool as a language model is told of it."""
    return ToolSpec(tool.name, tool.description, json.dumps(tool.arguments.model_json_schema()))

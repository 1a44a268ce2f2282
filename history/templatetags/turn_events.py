"""The events of a kept turn beside its words: provider fallbacks and tool invocations.

The voice page's scripts show those of a live turn with the same strings.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import template

from interaction.credentials.provider_selection import provider_label
from interaction.models import ToolInvocation, Turn
from interaction.ui_strings import ui_strings

register = template.Library()


@register.filter
def before_reply(fallbacks: Iterable[dict[str, str]]) -> list[dict[str, str]]:
    """Those of the stages before text to speech, which are shown above the reply."""
    return [fallback for fallback in fallbacks if fallback["stage"] != "tts"]


@register.filter
def after_reply(fallbacks: Iterable[dict[str, str]]) -> list[dict[str, str]]:
    """Those of text to speech, which are shown below the reply."""
    return [fallback for fallback in fallbacks if fallback["stage"] == "tts"]


@register.filter
def invocations(turn: Turn) -> list[ToolInvocation]:
    return [invocation for task in turn.tasks.all() for invocation in task.invocations.all()]


@register.filter
def as_sentence(fallback: dict[str, str]) -> str:
    """A fallback, {stage, failed, code, provider}, as a sentence."""
    strings = ui_strings()
    stage: Any = fallback["stage"]
    return strings["fell_back"].format(
        stage=strings[f"stage_{stage}"],
        failed=provider_label(stage, fallback["failed"]),
        reason=strings.get(f"failed_{fallback['code']}", strings["failed"]),
        provider=provider_label(stage, fallback["provider"]),
    )


@register.filter
def failure(status: str) -> str:
    """What went wrong with a tool invocation, in a word; empty where nothing did."""
    return ui_strings().get(f"tool_{status}", "")

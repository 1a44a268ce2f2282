"""What went on in a kept turn beside the talk: providers that stepped in, tools that were run.

``static/talk/doings.js`` says the same of a live turn, with the same words.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import template

from interaction.credentials.provider_selection import provider_label
from interaction.models import Session, ToolInvocation, Turn
from interaction.tools.table import TABLE as TOOLS
from interaction.wording import talk_words

register = template.Library()


@register.filter
def before_reply(fallbacks: Iterable[dict[str, str]]) -> list[dict[str, str]]:
    return [one for one in fallbacks if one["stage"] != "tts"]


@register.filter
def after_reply(fallbacks: Iterable[dict[str, str]]) -> list[dict[str, str]]:
    """Those of the voice, which comes after the words."""
    return [one for one in fallbacks if one["stage"] == "tts"]


@register.filter
def invocations(turn: Turn) -> list[ToolInvocation]:
    return [one for task in turn.tasks.all() for one in task.invocations.all()]


@register.filter
def fell_back(fallback: dict[str, str]) -> str:
    """{stage, failed, code, provider} as a sentence."""
    words = talk_words()
    stage: Any = fallback["stage"]
    return words["fell_back"].format(
        stage=words[f"stage_{stage}"],
        failed=provider_label(stage, fallback["failed"]),
        reason=words.get(f"failed_{fallback['code']}", words["failed"]),
        provider=provider_label(stage, fallback["provider"]),
    )


@register.simple_tag
def served_by(session: Session, turns: Iterable[Turn]) -> list[dict[str, dict[str, str]]]:
    """{stage: choice} for each mode that was talked in: the other one's choices are kept as well,
    since it might have stepped in."""
    choices: dict[str, dict[str, str]] = session.settings.get("providers", {})
    modes = dict.fromkeys((session.mode, *(turn.mode for turn in turns)))
    chains = (
        {s: c for s, c in choices.items() if (s == "realtime") == (m == "realtime")} for m in modes
    )
    return [chain for chain in chains if chain]


@register.filter
def tool_label(name: str) -> str:
    """The tool's name for people; the model's name for it where there is none (any more)."""
    return str(TOOLS[name].label) if name in TOOLS else name


@register.filter
def outcome(status: str) -> str:
    """What went wrong, in a word; empty where nothing did."""
    return talk_words().get(f"tool_{status}", "")


@register.filter
def of_stage(row: dict[str, Any] | None, stage: str) -> Any:
    return (row or {}).get(stage, [])

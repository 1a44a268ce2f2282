"""The events of a kept turn beside its words: provider fallbacks, tool invocations, its failure.

The voice page's scripts show those of a live turn with the same strings.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypedDict

from django import template

from interaction.credentials.provider_selection import provider_label
from interaction.error_explanations import explanation_of, happened, in_a_row
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
    stepped_in = ui_strings()["stepped_in"].format(
        provider=_label(fallback["stage"], fallback["provider"])
    )
    why = _happened(fallback["code"], fallback["stage"], fallback["failed"])
    return in_a_row(why, stepped_in)


class ExplainedError(TypedDict):
    code: str
    text: str
    """What happened."""
    quiet: bool
    """It is no failure."""
    open_keys: bool
    """A key is what is wrong."""
    detail: str
    """What else was reported, in English."""


@register.filter
def explained(error: dict[str, Any]) -> ExplainedError:
    """A turn's error, {stage, provider, code, message, …}, for the person."""
    code, stage = error["code"], error.get("stage") or ""
    explanation = explanation_of(code, stage)
    return {
        "code": code,
        "text": _happened(code, stage, error.get("provider") or ""),
        "quiet": explanation.quiet,
        "open_keys": "open_keys" in explanation.actions,
        "detail": error.get("message", "") if explanation.detail else "",
    }


def _happened(code: str, stage: str, provider: str) -> str:
    label = ui_strings().get(f"stage_{stage}", "")
    return happened(code, stage, _label(stage, provider) if provider else "", label)


def _label(stage: Any, provider: str) -> str:
    return provider_label(stage, provider)


@register.filter
def failure(status: str) -> str:
    """What went wrong with a tool invocation, in a word; empty where nothing did."""
    return ui_strings().get(f"tool_{status}", "")

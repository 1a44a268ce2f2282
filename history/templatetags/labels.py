"""Names for people of what a session was made with: stages, providers, tools."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import template
from django.utils.translation import gettext as _

from interaction.credentials import provider_selection
from interaction.models import Session, Turn
from interaction.tools.registry import TOOLS
from interaction.ui_strings import ui_strings

register = template.Library()


@register.filter
def stage_label(stage: str | None) -> str:
    return ui_strings().get(f"stage_{stage}", _("Error"))


@register.filter
def provider_label(name: str, stage: str) -> str:
    """The provider's name for people; its own name where there is none (any more)."""
    kind: Any = stage
    return provider_selection.provider_label(kind, name)


@register.filter
def unusual_end(reason: str) -> str:
    """Why a conversation ended, where nobody ended it on purpose; else empty."""
    return {
        "client_left": _("the page was closed or cut off"),
        "client_too_slow": _("the sound was not taken in fast enough"),
        "session_expired": _("it had lasted as long as it may"),
        "server_stopped": _("the server was stopped"),
        "process_lost": _("the server was lost"),
        "engine_unavailable": _("a part of the server did not answer"),
        "internal_error": _("something broke on the server"),
    }.get(reason, "")


@register.filter
def tool_label(name: str) -> str:
    """The tool's name for people; the model's name for it where there is none (any more)."""
    return str(TOOLS[name].label) if name in TOOLS else name


@register.simple_tag
def provider_choices(session: Session, turns: Iterable[Turn]) -> list[dict[str, dict[str, str]]]:
    """{stage: choice} for each mode in which turns were served.

    A session's settings name the providers of the other mode as well, which might have stepped in.
    """
    choices: dict[str, dict[str, str]] = session.settings.get("providers", {})
    modes = dict.fromkeys((session.mode, *(turn.mode for turn in turns)))
    of_modes = (
        {
            stage: choice
            for stage, choice in choices.items()
            if (stage == "realtime") == (mode == "realtime")
        }
        for mode in modes
    )
    return [of_mode for of_mode in of_modes if of_mode]


@register.filter
def of_stage(by_stage: dict[str, Any] | None, stage: str) -> Any:
    """The entry of ``stage`` in {stage: choices}; an empty list where there is none."""
    return (by_stage or {}).get(stage, [])

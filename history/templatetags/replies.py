"""A kept reply on a page: what was heard of it, what was not, and where to hear it."""

from __future__ import annotations

from typing import Any, TypedDict

from django import template
from django.utils.translation import gettext as _

from history.reading import AUDIO_ADDRESS
from interaction.credentials import provider_selection
from interaction.models import Turn
from interaction.wording import talk_words

register = template.Library()


class SplitReply(TypedDict):
    heard: str
    unheard: str
    cut: bool


@register.simple_tag
def split_reply(turn: Turn) -> SplitReply:
    """The reply, split where the person stopped hearing it; whole when it was heard to its end."""
    cut = turn.end_reason in {Turn.EndReason.INTERRUPTED, Turn.EndReason.SUPERSEDED}
    if not cut or not turn.reply.startswith(turn.heard_text):
        return {"heard": turn.reply, "unheard": "", "cut": cut}
    heard = turn.heard_text
    return {"heard": heard, "unheard": turn.reply[len(heard) :].strip(), "cut": cut}


@register.simple_tag
def audio_address(turn: Turn, side: str) -> str:
    address = AUDIO_ADDRESS.format(session=turn.session_id, turn=turn.pk)
    return f"{address}?side={side}"


@register.filter
def stage_label(stage: str | None) -> str:
    return talk_words().get(f"stage_{stage}", _("Error"))


@register.filter
def provider_label(name: str, stage: str) -> str:
    """The provider's name for people; its own name where there is none (any more)."""
    kind: Any = stage
    return provider_selection.provider_label(kind, name)

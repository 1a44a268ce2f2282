"""A kept reply on a page: its heard and its unheard part, and the address of a recording."""

from __future__ import annotations

from typing import TypedDict

from django import template

from history.api.schemas import audio_url
from interaction.models import Turn

register = template.Library()
register.simple_tag(audio_url)


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

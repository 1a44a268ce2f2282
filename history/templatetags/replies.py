"""A kept reply on a page: its heard and its unheard part, and the address of a recording."""

from __future__ import annotations

from typing import TypedDict

from django import template
from django.utils.translation import gettext

from history.api.schemas import audio_url
from interaction.core.turn_endings import KEPT_WHOLE
from interaction.models import Turn

register = template.Library()
register.simple_tag(audio_url)


class SplitReply(TypedDict):
    heard: str
    unheard: str
    cut: bool
    """Whether it is to be marked where the person stopped hearing it."""


@register.simple_tag
def split_reply(turn: Turn) -> SplitReply:
    """The reply, split where the person stopped hearing it; whole when it was heard to its end, or
    nobody knows how much of it was."""
    if turn.end_reason in KEPT_WHOLE or turn.heard_ms is None:
        return {"heard": turn.reply, "unheard": "", "cut": False}
    heard = turn.heard_text if turn.reply.startswith(turn.heard_text) else turn.reply
    unheard = turn.reply[len(heard) :].strip()
    return {"heard": heard, "unheard": unheard, "cut": bool(unheard) or turn.interrupted}


@register.simple_tag
def cut_mark(turn: Turn) -> str:
    """Where the reply was cut off, for people."""
    seconds = f"{(turn.heard_ms or 0) / 1000:.1f}"
    if not turn.heard_ms:
        return gettext("Cut off before a sound was heard")
    if turn.end_reason == Turn.EndReason.INTERRUPTED:
        return gettext("Interrupted after %(seconds)s s") % {"seconds": seconds}
    if turn.end_reason == Turn.EndReason.STOPPED:
        return gettext("Stopped after %(seconds)s s") % {"seconds": seconds}
    return gettext("Heard for %(seconds)s s") % {"seconds": seconds}

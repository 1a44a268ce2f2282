"""A kept reply on a page: its heard and its unheard part, and the address of a recording."""

from __future__ import annotations

from typing import TypedDict

from django import template
from django.urls import reverse
from django.utils.translation import gettext

from history.api import schemas
from interaction.core.turn_endings import KEPT_WHOLE
from interaction.models import Session, Turn

register = template.Library()


@register.simple_tag(takes_context=True)
def audio_url(context: template.Context, turn: Turn, side: str) -> str | None:
    """The address of a recording: where the page is a ``shared`` one, that which the secret in its
    own address opens."""
    if not context.get("shared"):
        return schemas.audio_url(turn, side)
    return reverse("shared_audio", args=[_secret(context), turn.pk, side])


@register.simple_tag(takes_context=True)
def session_audio_url(context: template.Context, session: Session, form: str = "wav") -> str:
    """The address of the whole recording, ``"wav"`` or ``"flac"``; as above."""
    if context.get("shared"):
        return reverse("shared_session_audio", args=[_secret(context), form])
    address = reverse("api:session_audio", args=[session.pk])
    return address if form == "wav" else f"{address}?format={form}"


def _secret(context: template.Context) -> str:
    secret: str = context["request"].resolver_match.kwargs["secret"]
    return secret


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


@register.filter
def lost_recording(turn: Turn, session: Session) -> bool:
    """Whether a side was recorded, and is gone without anybody having asked for that."""
    if session.recording_revoked_at is not None:
        return False
    lengths = {"user": turn.user_audio_ms, "agent": turn.agent_audio_ms}
    return any(ms is not None and not turn.audio(side) for side, ms in lengths.items())

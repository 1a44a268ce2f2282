"""A session as a text to read: plain, or Markdown. In the language that is active, times in UTC."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext, pgettext

from history.templatetags.clock import clock
from history.templatetags.labels import stage_label, tool_label
from history.templatetags.replies import cut_mark, split_reply
from interaction.models import Session, Turn

_INLINE = re.compile(r"([\\`*_\[\]<>#|~&])")
_AT_LINE_START = re.compile(r"^(\s*)([-+=]|\d+(?=[.)]))", re.MULTILINE)


def plain(session: Session) -> str:
    """``session``: as ``document.load`` gives it."""
    lines = [_title(session), _facts(session), ""]
    for turn in session.turns.all():
        lines += [
            f"[{_at(turn)}] {who}: {said}" if who else f"    {said}"
            for who, said in _lines(turn, _same, lambda unheard: f"[{unheard}]")
        ]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def markdown(session: Session) -> str:
    """``session``: as ``document.load`` gives it. What was said is text in it, never markup."""
    lines = [f"# {escaped(_title(session))}", "", escaped(_facts(session)), ""]
    for turn in session.turns.all():
        lines += [f"## {turn.sequence} · {_at(turn)}", ""]
        for who, said in _lines(turn, escaped, lambda unheard: f"~~{unheard}~~"):
            lines += [f"**{who}:** {said}" if who else f"*{said}*", ""]
    return "\n".join(lines).rstrip() + "\n"


def escaped(text: str) -> str:
    """``text`` so that Markdown shows it as it is, line by line."""
    inline = _INLINE.sub(r"\\\1", text)
    return _AT_LINE_START.sub(_without_meaning, inline).replace("\n", "\\\n")


def _without_meaning(found: re.Match[str]) -> str:
    space, mark = found.groups()
    return f"{space}{mark}\\" if mark[0].isdigit() else f"{space}\\{mark}"


def _same(text: str) -> str:
    return text


def _lines(
    turn: Turn, quote: Callable[[str], str], strike: Callable[[str], str]
) -> Iterator[tuple[str, str]]:
    """(who said it, or empty; the words), in their order. ``quote``: what was said, so that it is
    shown as it is; ``strike``: the words that nobody heard."""
    said = quote(turn.transcript.strip()) or f"({gettext('Nothing was understood')})"
    yield gettext("You"), said
    for task in turn.tasks.all():
        for one in task.invocations.all():
            given = quote(one.arguments.strip())
            yield "", f"{quote(tool_label(one.tool))} {given} → {quote(one.result.strip())}"
    reply = split_reply(turn)
    if turn.reply:
        unheard = quote(reply["unheard"].strip())
        parts = [quote(reply["heard"].strip()), strike(unheard) if unheard else ""]
        yield gettext("Agent"), " ".join(part for part in parts if part)
    if reply["cut"]:
        yield "", cut_mark(turn)
    if turn.error:
        yield "", f"{stage_label(turn.error.get('stage'))}: {quote(turn.error['message'])}"


def _title(session: Session) -> str:
    opening = next((turn.transcript for turn in session.turns.all() if turn.transcript), "")
    return " ".join((session.title or opening or gettext("Conversation")).split())


def _facts(session: Session) -> str:
    count = len(session.turns.all())
    begun, ended = session.started_at, session.ended_at
    facts = [
        _moment(session.created_at),
        str(session.get_mode_display()),
        ngettext("%(count)d turn", "%(count)d turns", count) % {"count": count},
        clock(ended - begun) if begun and ended else "",
    ]
    return " · ".join(fact for fact in facts if fact)


def _moment(at: datetime) -> str:
    form = pgettext("format of a date and time", "j M Y, H:i")
    return f"{date_format(at.astimezone(UTC), form)} UTC"


def _at(turn: Turn) -> str:
    return turn.started_at.astimezone(UTC).strftime("%H:%M:%S")

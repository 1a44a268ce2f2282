"""What the page of one conversation shows, beside its rows: its axis, its events, its figures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from django.urls import reverse
from django.utils.translation import gettext as _

from history.hearing.axis import Axis, PlacedTurn, Span, lay_out_turns
from history.queries import longest_ms, median_ms
from history.templatetags.labels import tool_label
from history.templatetags.latency import milliseconds
from history.templatetags.replies import cut_mark, split_reply
from history.templatetags.turn_events import as_sentence, explained, failure, invocations
from history.waterfall import lay_out, total_metric
from interaction.core.metrics import METRICS
from interaction.models import Session, Turn
from interaction.ui_strings import ui_strings

TURNS_AT_ONCE = 50
"""Of a longer conversation the rest is loaded when one comes to it."""
SCRIPT_STRINGS = ("ms", "total_ear", "total_e2e", "figures")


class Event(NamedTuple):
    """Something that happened beside the talk."""

    at_ms: int
    """On the axis."""
    kind: str
    """``start``, ``mode``, ``fallback``, ``tool``, ``error``, ``cut`` or ``end``."""
    turn: int | None
    """Number of its turn."""
    text: str


def turns_of_page(session: Session, turns: list[Turn], first: int) -> dict[str, Any]:
    """The context of ``TURNS_AT_ONCE`` turns from the number ``first`` on. ``turns``: all of the
    session's, as ``turns_of`` has them."""
    axis = lay_out_turns(turns)
    shown = [placed for placed in axis.turns if placed.turn.sequence >= first]
    later = shown[TURNS_AT_ONCE:]
    return {
        "session": session,
        "axis": axis,
        "recorded": any(turn.user_audio or turn.agent_audio for turn in turns),
        "longest": longest_ms(turns),
        "median": median_ms(turns),
        "placed_turns": shown[:TURNS_AT_ONCE],
        "first_turn": first,
        "next_turn": later[0].turn.sequence if later else None,
    }


def page_of(session: Session, turns: list[Turn], first: int) -> dict[str, Any]:
    """The context of the whole page; as above."""
    context = turns_of_page(session, turns, first)
    axis, recorded = context["axis"], context["recorded"]
    waveform = reverse("api:session_waveform", args=[session.pk])
    return context | {
        "turns": turns,
        "events": sorted(_events(session, axis), key=lambda event: event.at_ms),
        "metrics": metric_labels(),
        "conversation": {
            "ms": axis.ms,
            "recorded": recorded,
            "median": context["median"],
            "waveform": waveform if recorded else None,
            "turns": [_for_scripts(placed) for placed in axis.turns],
            "words": _words(),
        },
    }


def metric_labels() -> list[dict[str, str]]:
    """{name, stage, label} of each figure, in their order."""
    return [
        {"name": metric.name, "stage": metric.stage or "", "label": _(metric.label)}
        for metric in METRICS
    ]


def _words() -> dict[str, str]:
    strings = ui_strings()
    stages = {key: text for key, text in strings.items() if key.startswith("stage_")}
    return stages | {
        **{key: strings[key] for key in SCRIPT_STRINGS},
        "play": _("Play"),
        "pause": _("Pause"),
        "turn": _("Turn {number}"),
        "place": _("{now} of {whole}, turn {number}"),
        "no_sound": _("The sound could not be loaded. Reload the page, or download it."),
        "no_waveform": _("The waveforms could not be loaded. The sound is there all the same."),
    }


def _for_scripts(placed: PlacedTurn) -> dict[str, Any]:
    """A turn as static/history/conversation.js takes it; times in ms on the axis."""
    turn = placed.turn
    latency = turn.latency.by_metric() if hasattr(turn, "latency") else {}
    total, segments = lay_out(latency)
    return {
        "id": str(turn.pk),
        "number": turn.sequence,
        "kind": turn.kind,
        "start": placed.start,
        "end": placed.end,
        "asked_at": placed.asked_at,
        "user": _pair(placed.user),
        "speech": _pair(placed.speech or placed.user),
        "agent": _pair(placed.agent),
        "sentences": [[_utf16(turn.reply, at), ms] for at, ms in turn.sentence_starts],
        "agent_ms": turn.agent_audio_ms if turn.agent_audio else turn.heard_ms,
        "total": total,
        "metric": total_metric(latency),
        "segments": [
            {"stage": one.stage, "start": round(one.start, 1), "ms": round(one.ms, 1)}
            for one in segments
        ],
        "latency": latency,
    }


def _pair(span: Span | None) -> tuple[int, int] | None:
    return (span.start, span.end) if span else None


def _utf16(text: str, at: int) -> int:
    """The same place, counted as JavaScript counts."""
    return len(text[:at].encode("utf-16-le")) // 2


def _events(session: Session, axis: Axis) -> Iterator[Event]:
    started = _("The conversation started: %(mode)s") % {"mode": session.get_mode_display()}
    yield Event(0, "start", None, started)
    mode = session.mode
    for placed in axis.turns:
        turn = placed.turn
        if turn.mode != mode:
            mode = turn.mode
            yield Event(placed.start, "mode", turn.sequence, turn.get_mode_display())
        for at, kind, text in _events_of(placed):
            yield Event(at, kind, turn.sequence, text)
    if session.status == Session.Status.ENDED:
        yield Event(axis.ms, "end", None, _("The conversation ended"))


def _events_of(placed: PlacedTurn) -> Iterable[tuple[int, str, str]]:
    turn = placed.turn
    for fallback in turn.fallbacks:
        yield placed.asked_at, "fallback", as_sentence(fallback)
    for one in invocations(turn):
        outcome = failure(one.status) or f"{milliseconds(one.ms)} {_('ms')}"
        yield placed.asked_at, "tool", f"{tool_label(one.tool)}: {outcome}"
    if turn.error:
        yield placed.end, "error", explained(turn.error)["text"]
    if split_reply(turn)["cut"]:
        yield placed.agent.end if placed.agent else placed.asked_at, "cut", cut_mark(turn)

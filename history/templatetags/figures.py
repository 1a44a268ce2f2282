"""Figures over turns on a page: the card of a conversation, and how its numbers are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any

from django import template
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from history.latency.columns import TOTAL, Label
from history.latency.session_card import Dot, SessionCard, Slowest, StripPlot, TurnDots, card_of
from history.templatetags.humanise import grouped
from history.templatetags.labels import provider_label
from history.templatetags.latency import milliseconds
from interaction.core.metrics import METRICS
from interaction.models import Session, Turn
from interaction.ui_strings import ui_strings

register = template.Library()

_STAGES = {metric.name: metric.stage for metric in METRICS}
_LABELS = {metric.name: metric.label for metric in METRICS}


def _words() -> dict[str, str]:
    """Those of the live page; a page of figures asks for hundreds of them."""
    return _words_in(get_language())


@lru_cache(maxsize=8)
def _words_in(language: str | None) -> dict[str, str]:
    return ui_strings()


@register.inclusion_tag("history/_figures_card.html", takes_context=True)
def figures_card(
    context: dict[str, Any], session: Session, turns: Sequence[Turn], missing: int = 0
) -> dict[str, Any]:
    """The figures of a conversation. ``turns``: all that are kept, in their order, with latencies;
    ``missing``: how many more there were."""
    return {
        "card": card_of(session, turns),
        "session": session,
        "missing": missing,
        "on_its_page": reverse("history:detail", args=[session.pk]) == context["request"].path,
    }


@register.filter
def measure_label(name: str) -> str:
    """What lies between the two ends of a metric, or the total's name."""
    return _("Total, to the first sound") if name == TOTAL else _(_LABELS[name])


@register.filter
def measure_stage(name: str) -> str:
    """The stage whose colour the metric has; empty for none."""
    return _STAGES.get(name, "")


@register.filter
def part_label(stage: str) -> str:
    """The name of a stage, or of the total, as a row of a picture."""
    return _("Total") if stage == TOTAL else _words()[f"stage_{stage}"]


@register.filter
def ms(value: float | None) -> str:
    """Whole milliseconds with the unit; a dash for unknown."""
    return milliseconds(value) if value is None else f"{grouped(value)} {_words()['ms']}"


@register.filter
def difference(value: float | None) -> str:
    """A whole number with its sign; a dash for unknown."""
    if value is None:
        return "–"
    whole = round(value)
    sign = "±" if whole == 0 else "+" if whole > 0 else "−"
    return f"{sign}{grouped(abs(whole))}"


@register.filter
def turn_names(parts: Mapping[str, float]) -> str:
    """``{stage: ms}`` in words: "End of turn 601 ms, Playout 42 ms"."""
    return ", ".join(f"{part_label(stage)} {ms(value)}" for stage, value in parts.items())


@register.simple_tag
def dots_of(plot: StripPlot) -> SafeString:
    """The dots of every turn, a group a turn. Long conversations have thousands of them: written
    here it takes a tenth of a template's time."""
    return mark_safe("".join(_group_of(turn) for turn in plot.turns if turn.dots))


def _group_of(turn: TurnDots) -> str:
    facts = {"number": turn.number, "names": turn_names(turn.parts)}
    name = escape(_("Turn %(number)s: %(names)s") % facts)
    joins = "".join(
        f'<line class="join" x1="{one.x}" x2="{after.x}" y1="{one.y}" y2="{after.y}"/>'
        for one, after in turn.pairs
    )
    dots = "".join(
        f'<circle class="dot" data-stage="{dot.stage}" cx="{dot.x}" cy="{dot.y}" r="5"'
        f'{_fill(dot)}/><text class="dot-ms" x="{dot.x}" y="{dot.y}">{grouped(dot.ms)}</text>'
        for dot in turn.dots
    )
    marked = " slowest" if turn.slowest else ""
    tab_stop = ' tabindex="0"' if turn.tab_stop else ""
    return (
        f'<g class="turn-dots{marked}" role="img"{tab_stop} aria-label="{name}"'
        f' data-turn-dots="{turn.number}"><title>{name}</title>{joins}{dots}</g>'
    )


def _fill(dot: Dot) -> str:
    return "" if dot.stage == TOTAL else f' fill="url(#p-{dot.stage})"'


@register.simple_tag
def rows_of_dots(plot: StripPlot, page: str) -> SafeString:
    """The table behind the dots, a row a turn. ``page``: the conversation's own."""
    stages = [strip.stage for strip in plot.strips]
    page = escape(page)
    rows = (
        f'<tr><th scope="row"><a href="{page}#turn-{turn.number}">{turn.number}</a></th>'
        + "".join(f'<td class="figure">{grouped(turn.parts.get(stage))}</td>' for stage in stages)
        + "</tr>"
        for turn in plot.turns
    )
    return mark_safe("".join(rows))


@register.filter
def why(slowest: Slowest) -> str:
    """Which turn was the slowest, and by which stage, as a sentence."""
    facts = {
        "number": slowest.number,
        "total": ms(slowest.total),
        "until": _words()[f"total_{slowest.total_metric or 'ear'}"],
    }
    which = _("Turn %(number)s was the slowest: %(total)s %(until)s.") % facts
    if slowest.stage is None:
        no_stage = _("No stage of it was above its median.")
        return f"{which} {no_stage}"
    reason = {
        "stage": part_label(slowest.stage),
        "ms": ms(slowest.ms),
        "above": ms(slowest.above),
    }
    because = _("%(stage)s took %(ms)s, %(above)s more than its median.") % reason
    return f"{which} {because}"


@register.filter
def beside(card: SessionCard) -> str:
    """How the median total compares with the earlier conversation's, as a sentence."""
    found = card.comparison.differences if card.comparison else ()
    total = next((one for one in found if one.name == TOTAL), None)
    if total is None or total.p50 is None:
        return _("Neither has totals that could be compared.")
    facts = {"now": ms(total.now.p50), "by": ms(abs(total.p50))}
    if round(total.p50) == 0:
        return _("The median total is the same, %(now)s.") % facts
    if total.p50 < 0:
        return _("The median total is %(now)s, %(by)s less than then.") % facts
    return _("The median total is %(now)s, %(by)s more than then.") % facts


@register.filter
def served_label(label: Label, stage: str | None) -> str:
    """The name of a mode or a provider."""
    if label.mode:
        return str(Session.Mode(label.mode).label)
    return provider_label(label.provider or "", stage or "")


@register.filter
def day(at: date) -> str:
    """``21 Nov 2026``, in the order that the language puts it."""
    return date_format(at, pgettext("format of a date", "j M Y"))

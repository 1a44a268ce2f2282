"""What ``talk`` prints: events as they come, then what was said and how long it took."""

from __future__ import annotations

import time
from typing import Any

from django.utils.translation import gettext as _
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from interaction.core.metrics import METRIC_NAMES
from interaction.talk.client import TurnHeard

NOT_SHOWN = {"type", "turn_id", "reply_id", "session_id"}


class EventList:
    """``  1.234 s  transcript_final  text=…``, from the first event on."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began_at = time.monotonic()

    def __call__(self, event: dict[str, Any]) -> None:
        facts = "  ".join(
            f"[dim]{name}=[/]{escape(str(value))}"
            for name, value in event.items()
            if name not in NOT_SHOWN and not isinstance(value, dict | list)
        )
        at = time.monotonic() - self._began_at
        self._console.print(f"[dim]{at:8.3f} s[/]  [bold]{event['type']:<18}[/]  {facts}")


def latency_table(turns: list[TurnHeard]) -> Table:
    """One row a metric, one column a turn, in ms; empty where unknown."""
    table = Table(title=_("Latency, ms"))
    table.add_column(_("metric"), no_wrap=True)
    for number in range(1, len(turns) + 1):
        table.add_column(_("turn %d") % number, justify="right", no_wrap=True)
    for metric in METRIC_NAMES:
        figures = [turn.latency.get(metric) for turn in turns]
        table.add_row(metric, *("" if ms is None else f"{ms:.0f}" for ms in figures))
    return table


def words(console: Console, name: str, turn: TurnHeard) -> None:
    """Who said what."""
    console.print()
    console.print(f"[bold]{escape(name)}[/]")
    console.print(f"  [cyan]{_('you')}[/]     {escape(turn.transcript)}")
    console.print(f"  [green]{_('agent')}[/]   {escape(turn.reply)}")
    if turn.interrupted:
        console.print(f"  [yellow]{_('The reply was interrupted.')}[/]")
    if turn.error:
        console.print(f"  [red]{escape(turn.error['code'])}: {escape(turn.error['message'])}[/]")


def as_json(name: str, turn: TurnHeard, file: str | None) -> dict[str, Any]:
    listening = turn.listening
    return {
        "said": name,
        "turn_id": turn.turn_id,
        "transcript": turn.transcript,
        "reply": turn.reply,
        "reply_ms": round(listening.received_ms) if listening else None,
        "reply_file": file,
        "underruns": listening.underruns if listening else 0,
        "interrupted": turn.interrupted,
        "error": turn.error,
        "latency": turn.latency,
    }

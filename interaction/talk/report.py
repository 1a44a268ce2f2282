"""The output of ``talk``: events as they come, then transcripts, replies and latencies."""

from __future__ import annotations

import time
from typing import Any

from django.utils.translation import gettext as _
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from interaction.core.metrics import METRIC_NAMES
from interaction.talk.client import ObservedTurn

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


def latency_table(turns: list[ObservedTurn]) -> Table:
    """One row a metric, one column a turn, in ms; empty where unknown."""
    table = Table(title=_("Latency, ms"))
    table.add_column(_("metric"), no_wrap=True)
    for number in range(1, len(turns) + 1):
        table.add_column(_("turn %d") % number, justify="right", no_wrap=True)
    for metric in METRIC_NAMES:
        figures = [turn.latency.get(metric) for turn in turns]
        table.add_row(metric, *("" if ms is None else f"{ms:.0f}" for ms in figures))
    return table


def print_words(console: Console, name: str, turn: ObservedTurn) -> None:
    """Print the transcript and the reply of a turn. ``name``: the file or text that made it."""
    console.print()
    console.print(f"[bold]{escape(name)}[/]")
    console.print(f"  [cyan]{_('you')}[/]     {escape(turn.transcript)}")
    console.print(f"  [green]{_('agent')}[/]   {escape(turn.reply)}")
    if turn.interrupted:
        console.print(f"  [yellow]{_('The reply was interrupted.')}[/]")
    if turn.error:
        console.print(f"  [red]{escape(turn.error['code'])}: {escape(turn.error['message'])}[/]")


def as_json(name: str, turn: ObservedTurn, file: str | None) -> dict[str, Any]:
    playback = turn.playback
    return {
        "said": name,
        "turn_id": turn.turn_id,
        "transcript": turn.transcript,
        "reply": turn.reply,
        "reply_ms": round(playback.received_ms) if playback else None,
        "reply_file": file,
        "underruns": playback.underruns if playback else 0,
        "interrupted": turn.interrupted,
        "error": turn.error,
        "latency": turn.latency,
    }

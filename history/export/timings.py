"""The figures of every turn as CSV, a row a turn, safe to be opened in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from history.served import STAGES, Server, served_by
from history.waterfall import total_ms
from interaction.core.metrics import METRIC_NAMES
from interaction.models import Session, Turn

BYTE_ORDER_MARK = "\ufeff"
"""By it spreadsheets know that a file is UTF-8."""
NOBODY = Server("", "")
COLUMNS = (
    *("session", "session_created_at", "title", "turn", "sequence", "started_at", "mode", "kind"),
    *("end_reason", "interrupted", "error_stage", "error_code"),
    *(f"{stage}{part}" for stage in STAGES for part in ("", "_model")),
    *(f"{name}_ms" for name in METRIC_NAMES),
    *("total_ms", "heard_ms", "user_audio_ms", "agent_audio_ms", "underruns"),
)
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # full width
"""With one of these a cell begins which a spreadsheet may take for a formula."""


def rows(sessions: Iterable[Session]) -> Iterator[str]:
    """The lines of the file, the names of the columns first. A figure that is unknown is empty.

    ``sessions``: as ``document.load`` gives them.
    """
    yield BYTE_ORDER_MARK + _line(COLUMNS)
    for session in sessions:
        for turn in session.turns.all():
            yield _line(_row(session, turn))


def harmless(text: str) -> str:
    """``text`` so that no spreadsheet takes it for a formula: where it begins like one, an
    apostrophe comes before it."""
    return f"'{text}" if text.startswith(FORMULA) else text


def _row(session: Session, turn: Turn) -> list[Any]:
    latency = turn.latency.by_metric() if hasattr(turn, "latency") else {}
    served = served_by(session.settings, turn.mode, turn.kind, turn.fallbacks)
    error = turn.error or {}
    return [
        *(session.pk, _time(session.created_at), session.title, turn.pk, turn.sequence),
        *(_time(turn.started_at), turn.mode, turn.kind, turn.end_reason),
        *(str(turn.interrupted).lower(), error.get("stage") or "", error.get("code") or ""),
        *(name for stage in STAGES for name in served.get(stage, NOBODY)),
        *(latency.get(name) for name in METRIC_NAMES),
        *(total_ms(latency), turn.heard_ms, turn.user_audio_ms, turn.agent_audio_ms),
        turn.underruns,
    ]


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _line(cells: Iterable[Any]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(harmless(cell) if isinstance(cell, str) else cell for cell in cells)
    return out.getvalue()

"""Structured logs: one line an event, ``key=value`` pairs after a fixed beginning.

Facts are passed by ``extra=``: ``logger.warning("stage failed", extra={"session": …, "turn": …,
"stage": "stt", "code": "provider_timeout"})``. Never audio, words that were said, or secrets.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

FACTS = ("session", "turn", "reply", "stage", "sentence", "provider", "code", "part")
"""The names that ``extra=`` may carry, in the order in which they are written."""


class KeyValueFormatter(logging.Formatter):
    """``2026-11-20T10:00:00.000Z WARNING interaction.cascade "stage failed" session=… turn=…``"""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC)
        time = f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"
        # Celery's messages give whole tasks, with the words in them, after the first line.
        message = record.getMessage().strip().partition("\n")[0]
        words = [time, record.levelname, record.name, json.dumps(message)]
        for fact in FACTS:
            value = getattr(record, fact, None)
            if value is not None:
                words.append(f"{fact}={_bare(str(value))}")
        line = " ".join(words)
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


def _bare(value: str) -> str:
    """Quote what would not read back as one word."""
    plain = value and value.isprintable() and not set(value) & set(' "=')
    return value if plain else json.dumps(value)

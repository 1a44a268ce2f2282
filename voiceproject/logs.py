"""Structured logs: ``key=value`` pairs after a fixed beginning.

Facts are passed by ``extra=``: ``logger.warning("stage failed", extra={"session": …, "turn": …,
"stage": "stt", "code": "provider_timeout"})``. Never audio, words that were said, or secrets; so
an exception is written as its frames and its type, since its text may quote any of these.
"""

from __future__ import annotations

import json
import logging
import re
import textwrap
import traceback
from datetime import UTC, datetime
from types import TracebackType

FACTS = ("session", "turn", "reply", "stage", "sentence", "provider", "code", "part")
"""The names that ``extra=`` may carry, in the order in which they are written."""

SHARED = re.compile(r"(/shared/)[^/\s?\"']+")
"""The secret of a share link, which stands in the path of its address."""

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def only_crashes(record: logging.LogRecord) -> bool:
    """A filter: an answer of 404 or 503 that a view chose to give is no event of a log."""
    return record.exc_info is not None


class LostRedis(logging.Filter):
    """Of a Redis that is away, the channel layer logs a traceback a second: one line is left.

    An outage is over, and the next one is logged again, once ``QUIET`` seconds went by without.
    """

    QUIET = 5.0

    def __init__(self) -> None:
        super().__init__()
        self._latest = float("-inf")

    def filter(self, record: logging.LogRecord) -> bool:
        # Whoever logs this has imported it; no command has to, only to begin to log.
        from redis.exceptions import RedisError

        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, (RedisError, OSError)):
            return True
        begins = record.created - self._latest > self.QUIET
        self._latest = record.created
        record.msg, record.args = "redis does not answer: check that it runs", ()
        record.exc_info = record.exc_text = None
        record.part = "redis"
        return begins


class KeyValueFormatter(logging.Formatter):
    """``2026-11-20T10:00:00.000Z WARNING interaction.cascade "stage failed" session=… turn=…``

    ``exception_texts``: give the texts of exceptions too, which is for development alone.
    """

    def __init__(self, exception_texts: bool = False) -> None:
        super().__init__()
        self.exception_texts = exception_texts

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC)
        time = f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"
        text = SHARED.sub(r"\1…", record.getMessage().strip())
        message, _, more = text.partition("\n")
        if record.name.startswith("celery"):
            # Its messages give whole tasks, what was said included, after the first line; and an
            # exception's text after the colon.
            more = ""
            message = message.partition(": ")[0] if record.exc_info else message
        words = [time, record.levelname, record.name, json.dumps(message, ensure_ascii=False)]
        for fact in FACTS:
            value = getattr(record, fact, None)
            if value is not None:
                words.append(f"{fact}={_bare(str(value))}")
        lines = [" ".join(words)]
        if more:
            lines.append(more)
        if record.exc_info:
            lines.append(self.formatException(record.exc_info))
        return "\n".join(lines)

    def formatException(self, ei: ExcInfo) -> str:
        if self.exception_texts:
            return super().formatException(ei)
        return _types_and_frames(ei[1])


def _bare(value: str) -> str:
    """Quote what would not read back as one word."""
    plain = value and value.isprintable() and not set(value) & set(' "=')
    return value if plain else json.dumps(value)


def _types_and_frames(error: BaseException | None) -> str:
    """An exception's frames and type, what it came of, and what it held if it is a group."""
    blocks, seen = [], set[int]()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        frames = "".join(traceback.format_tb(error.__traceback__))
        blocks.append(f"{frames}{type(error).__module__}.{type(error).__qualname__}")
        if isinstance(error, BaseExceptionGroup):
            held = (
                textwrap.indent(_types_and_frames(member), "    ") for member in error.exceptions
            )
            blocks[-1] += "\nwhich held\n" + "\n    and\n".join(held)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\nwhich came of\n".join(blocks)

"""Logging errors of this program without quoting what was said."""

from __future__ import annotations

import logging
import traceback
from typing import Any


def log_crash(logger: logging.Logger, error: BaseException, facts: dict[str, Any]) -> None:
    """Frames and the type alone: the text of an exception may hold a transcript."""
    trace = "".join(traceback.format_tb(error.__traceback__))
    logger.error("%s\n%s", type(error).__name__, trace, extra=facts)

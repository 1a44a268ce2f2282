from __future__ import annotations

from enum import IntEnum

from moonshine_voice.transcriber import Transcriber

__all__ = ["ModelArch", "Transcriber"]


class ModelArch(IntEnum):
    TINY = 0
    BASE = 1
    TINY_STREAMING = 2
    BASE_STREAMING = 3
    SMALL_STREAMING = 4
    MEDIUM_STREAMING = 5

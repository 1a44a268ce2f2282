"""What went wrong, read off what pip printed. Imports the standard library alone: the installer
reads it where no package is there yet."""

from __future__ import annotations

import re
from typing import Literal

PipTrouble = Literal[
    "offline", "not_on_index", "refused", "damaged", "disk_full", "not_writable", "failed"
]
_SYMPTOMS: tuple[tuple[PipTrouble, str], ...] = (
    ("disk_full", r"No space left on device|Disk quota exceeded"),
    ("not_writable", r"Permission denied|Read-only file system"),
    ("refused", r"\b40[137] Client Error|\b407 Proxy|status code 40[137]|HTTP error 40[137]"),
    ("offline", r"NewConnectionError|NameResolutionError|ConnectTimeout|ReadTimeout|ProxyError"
                r"|SSLError|Connection (?:refused|reset|aborted|broken)|Network is unreachable"
                r"|Max retries exceeded|Temporary failure in name resolution|5\d\d Server Error"
                r"|[Tt]imed out"),
    ("damaged", r"BadZipFile|not a valid wheel|is invalid|DO NOT MATCH THE HASHES|IncompleteRead"
                r"|incomplete-download|Wheel .* corrupt"),
    ("not_on_index", r"No matching distribution found|Could not find a version"),
)  # fmt: skip
"""How pip words it; the first one that fits counts."""


def trouble_in(said: str) -> PipTrouble:
    return next((trouble for trouble, how in _SYMPTOMS if re.search(how, said)), "failed")

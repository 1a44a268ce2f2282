"""Makes written text fit to be spoken: no Markdown, no raw addresses, no emoji.

Its words stay, in their order; marks that a voice would read out or stumble over go.
"""

from __future__ import annotations

import re
import unicodedata

_LINK = re.compile(r"!?\[([^\]]*)\]\(\s*<?[^)\s]*>?(?:\s+\"[^\"]*\")?\s*\)")
_URL = re.compile(r"<?\bhttps?://(?:www\.)?([^\s/?#<>)\]]+)([^\s<>)\]]*)>?", re.IGNORECASE)
_FENCE = re.compile(r"^[ \t]*(?:```+|~~~+)[\w+-]*[ \t]*$", re.MULTILINE)
_HEADING = re.compile(r"^[ \t]{0,3}#{1,6}[ \t]+", re.MULTILINE)
_QUOTE = re.compile(r"^[ \t]{0,3}(?:>[ \t]?)+", re.MULTILINE)
_BULLET = re.compile(r"^[ \t]*[-*+•][ \t]+", re.MULTILINE)
_RULE = re.compile(r"^[ \t]*(?:[-*_][ \t]*){3,}$", re.MULTILINE)
_TABLE_RULE = re.compile(r"^[ \t|:-]*-{3,}[ \t|:-]*$", re.MULTILINE)
_CELLS = re.compile(r"[ \t]*\|[ \t]*")
_STRONG = re.compile(r"(\*{1,3}|_{1,3}|~~)(?=\S)(.+?)(?<=\S)\1", re.DOTALL)
_JOINERS = dict.fromkeys(map(ord, "\u200d\u200b\ufe0e\ufe0f\u20e3`"))
_SPACE = re.compile(r"\s+")


def speakable(text: str) -> str:
    """Return what a voice should say for ``text``; empty where there is nothing to say."""
    text = _LINK.sub(r"\1", text)
    text = _URL.sub(_address, text)
    for mark in (_FENCE, _TABLE_RULE, _RULE, _HEADING, _QUOTE, _BULLET):
        text = mark.sub("", text)
    if text.count("|") > 1:
        text = _CELLS.sub(", ", text).strip(", \t\n")
    for _ in range(3):  # strong within emphasis within strike-through
        text = _STRONG.sub(_unmarked, text)
    text = "".join(c for c in text.translate(_JOINERS) if not _is_picture(c))
    text = _SPACE.sub(" ", text).strip()
    return text if any(c.isalnum() for c in text) else ""


def _address(found: re.Match[str]) -> str:
    """``https://www.example.com/a-b?c=d.`` is read as ``example.com/a-b?c=d.`` is."""
    host, rest = found.groups()
    path = re.split(r"[?#]", rest)[0].rstrip("/")
    end = rest[-1] if rest and rest[-1] in ".,;:!?" else ""
    return f"{host}{path.rstrip('.,;:!?')}{end}"


def _unmarked(found: re.Match[str]) -> str:
    """Underscores within a word (``snake_case_name``) are no emphasis."""
    mark, inner = found.groups()
    text, start, end = found.string, found.start(), found.end()
    within = (start and text[start - 1].isalnum()) or (end < len(text) and text[end].isalnum())
    return found.group() if mark[0] == "_" and within else inner


def _is_picture(character: str) -> bool:
    """Emoji, dingbats, arrows and box drawings; not currency, mathematics or © ® ™ °."""
    if character in "©®™°":
        return False
    kind = unicodedata.category(character)
    return kind in {"So", "Cs", "Co", "Cn"} or "\U0001f3fb" <= character <= "\U0001f3ff"

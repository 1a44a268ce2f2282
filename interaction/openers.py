"""Things to say first, in the language of the conversation: the demo agent answers all of them."""

from __future__ import annotations

from collections.abc import Mapping

from django.conf import settings

from interaction.core.languages import primary

OPENERS: Mapping[str, tuple[str, ...]] = {
    "en": ("My name is John.", "What time is it?", "What is ten times ten?"),
    "zh": ("我叫小美。", "現在幾點？", "你會做什麼？"),
    "zh-cn": ("我叫小美。", "现在几点？", "你会做什么？"),
    "yue": ("我叫小美。", "而家幾點？", "你可以做什麼？"),
}
"""By language; in another one nothing on this machine answers."""


def openers(language: str) -> tuple[str, ...]:
    """For a session in this language (empty: the server's); none where the demo agent, who may be
    the one that answers, does not know it."""
    tag = (language or settings.ENV.parley_language).lower()
    return OPENERS.get(tag) or OPENERS.get(primary(tag), ())

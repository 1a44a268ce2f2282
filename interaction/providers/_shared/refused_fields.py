"""Fields of a request that a server refuses, though its protocol has them.

Everything beyond the common part of a protocol is optional: where it is refused, the server is
asked once more without it, and that is remembered for its address and model as long as the process
lives.
"""

from __future__ import annotations

import contextlib
import re
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any

STATUSES = (400, 404, 405, 406, 415, 422, 500, 501, 502)
"""With which servers refuse what they do not know; the last, with which others pass that on."""
REFUSING = re.compile(
    r"support|unknown|unrecogni[sz]ed|not (allowed|permitted|enabled|available)|disallowed|invalid|"
    r"\b(extra|additional|unexpected|illegal|forbidden|required|requires)\b|不支|未知|非法|无效|無效",
    re.IGNORECASE,
)
"""Words of a refusal. Of a server's own error, without them, a field's name says nothing."""
OTHER_CAUSES = re.compile(
    r"context.{0,20}(length|window|size)|insufficient_quota|\bquota\b|billing|api[ _-]?key|"
    r"content[ _](policy|filter|management)|rate.?limit|model_not_found|safety",
    re.IGNORECASE,
)
"""Words of a refusal that is not about a field."""
OTHER_WORDS: dict[str, str] = {
    "stream": r"\bstreaming\b|流式|串流",
    "stream_options": r"\bstream[ _-]?options?\b|include_?usage",
    "response_format": r"\bpcm\b|\b(audio|output|response|unsupported|invalid|unknown) format\b",
    "tools": r"\btool[ _-]?(use|call(s|ing)?|choice|support)|function[ _-]?call|"
    r"--tool-call-parser|工具|函数调用",
    "thinking": r"\bthinking\b",
    "thinking_config": r"\bthinking|thinking_?(config|level|budget)",
    "system_instruction": r"\b(developer|system)[ _-]?instructions?\b",
    "empty_content": r"\bcontents?\b",
}
"""Patterns of what else servers call a field, by its name."""
FORMER_NAMES = {"max_completion_tokens": "max_tokens"}
"""What a field was called before: sent where the name of today is refused."""
MOST_REMEMBERED = 512

Source = tuple[str, str, str]
"""Stage, address and model."""
Fields = Mapping[str, Any]
Refusal = Callable[[Exception], tuple[int, str] | None]
"""The HTTP status and the text of a refusal; None: the error is none."""

_refused: OrderedDict[Source, frozenset[str]] = OrderedDict()


@contextlib.asynccontextmanager
async def asked_without_refused(
    ask: Callable[..., AbstractAsyncContextManager[Any]],
    optional: Fields,
    source: Source,
    refusal: Refusal,
) -> AsyncIterator[Any]:
    """The answer to ``ask(**fields)``, with those of the optional fields that are not refused."""
    async with AsyncExitStack() as stack:
        while True:
            sent = _not_refused(optional, source)
            try:
                response = await stack.enter_async_context(ask(**sent))
                break
            except Exception as error:
                told = refusal(error)
                if told is None or not (names := refused_in(*told, sent)):
                    raise
                _remember(source, names)
        yield response


def refused_in(status: int, text: str, sent: Fields) -> frozenset[str]:
    """Names of the fields that a refusal is about, among those that were sent."""
    if status not in STATUSES or OTHER_CAUSES.search(text):
        return frozenset()
    if status >= 500 and not REFUSING.search(text):
        return frozenset()
    named = {name for name in sent if _stands_in(text, name)}
    if not named:
        patterns = {name: OTHER_WORDS[name] for name in sent if name in OTHER_WORDS}
        named = {name for name in patterns if re.search(patterns[name], text, re.IGNORECASE)}
    if "stream_options" in sent and {"stream_options", "stream"} <= named:
        # A message about the one often names the other.
        named.discard("stream")
    return frozenset(named)


def _stands_in(text: str, name: str) -> bool:
    """As a word of its own, also between Chinese characters."""
    return re.search(rf"(?<![\w-]){name}(?![\w-])", text, re.ASCII) is not None


def _not_refused(optional: Fields, source: Source) -> dict[str, Any]:
    refused = _refused.get(source, frozenset())
    sent = {name: value for name, value in optional.items() if name not in refused}
    for name, former in FORMER_NAMES.items():
        if name in sent:
            sent.pop(former, None)
    return sent


def _remember(source: Source, names: frozenset[str]) -> None:
    _refused[source] = _refused.get(source, frozenset()) | names
    _refused.move_to_end(source)
    while len(_refused) > MOST_REMEMBERED:
        _refused.popitem(last=False)

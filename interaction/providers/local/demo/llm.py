"""A small agent that needs nothing but this file's folder: it shows that turns have a context.

Each strategy looks at what was said, with everything before it, and answers or passes it on.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from interaction.core.types import Message, ToolCall, ToolSpec
from interaction.providers.config import ProviderConfig
from interaction.providers.local._shared.word_stream import stream_words
from interaction.providers.local.demo.arithmetic import calculating
from interaction.providers.local.demo.chinese import speaking_chinese
from interaction.providers.local.demo.clock import telling_the_date, telling_the_time
from interaction.providers.local.demo.names import remembering
from interaction.providers.local.demo.repeating import counting, repeating
from interaction.providers.local.demo.small_talk import (
    answering,
    falling_back,
    greeting,
    taking_leave,
)
from interaction.providers.local.demo.tools import find_call, speak_results
from interaction.providers.local.demo.utterance import Strategy, Utterance
from interaction.providers.stage_protocols import LanguageModelOutput

OPENING = "hello"
"""Text that stands for the person's where a reply is asked for before anybody has spoken."""
STRATEGIES: tuple[Strategy, ...] = (
    speaking_chinese,
    repeating,
    remembering,
    counting,
    calculating,
    telling_the_time,
    telling_the_date,
    taking_leave,
    answering,
    greeting,
    falling_back,
)


class LanguageModel:
    def __init__(
        self,
        config: ProviderConfig,
        now: Callable[[], datetime] = lambda: datetime.now().astimezone(),
    ) -> None:
        self._now = now

    async def complete(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec] = (),
        *,
        tool_choice: str = "auto",
        max_tokens: int | None = None,
        time_zone: str = "",
    ) -> AsyncIterator[LanguageModelOutput]:
        """``time_zone``: IANA name of the person's; empty for this machine's."""
        now = self._now().astimezone(ZoneInfo(time_zone)) if time_zone else self._now()
        answer = reply(messages, now, tools, tool_choice)
        if isinstance(answer, ToolCall):
            yield answer
            return
        for piece in stream_words(answer, max_tokens):
            yield piece

    async def aclose(self) -> None:
        pass


def reply(
    messages: Sequence[Message],
    now: datetime,
    tools: Sequence[ToolSpec] = (),
    tool_choice: str = "auto",
) -> str | ToolCall:
    """The whole reply to what was said last, or the tool to be called for it."""
    talk = list(messages)
    while talk and talk[-1].role == "system":
        talk.pop()  # instructions, which it cannot follow
    if talk and talk[-1].role == "tool":
        return speak_results(talk, now)
    if not talk:
        utterance = Utterance(OPENING, (), now)
    elif talk[-1].role == "user":
        utterance = Utterance(talk[-1].content, talk[:-1], now)
    else:
        utterance = Utterance("", talk, now)
    if call := find_call(utterance, tools, tool_choice):
        return call
    return next(answer for strategy in STRATEGIES if (answer := strategy(utterance)) is not None)

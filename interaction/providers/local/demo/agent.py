"""A small agent that needs nothing but this file's folder: it shows that turns have a context.

Each strategy looks at what was said, with everything before it, and answers or passes it on.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime

from interaction.core.types import Message, ToolCall, ToolSpec
from interaction.providers.base import ProviderConfig, Written
from interaction.providers.local.demo.chinese import speaking_chinese
from interaction.providers.local.demo.clock import telling_the_date, telling_the_time
from interaction.providers.local.demo.manners import (
    answering,
    falling_back,
    greeting,
    taking_leave,
)
from interaction.providers.local.demo.names import remembering
from interaction.providers.local.demo.repeating import counting, repeating
from interaction.providers.local.demo.said import Said, Strategy
from interaction.providers.local.demo.sums import calculating
from interaction.providers.local.demo.tools import calling, telling
from interaction.providers.local.words import written

OPENING = "hello"
"""As what it takes being asked to speak before anybody has said anything."""
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
    ) -> AsyncIterator[Written]:
        answer = reply(messages, self._now(), tools, tool_choice)
        if isinstance(answer, ToolCall):
            yield answer
            return
        for piece in written(answer, max_tokens):
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
        return telling(talk, now)
    if not talk:
        said = Said(OPENING, (), now)
    elif talk[-1].role == "user":
        said = Said(talk[-1].content, talk[:-1], now)
    else:
        said = Said("", talk, now)
    if call := calling(said, tools, tool_choice):
        return call
    return next(answer for strategy in STRATEGIES if (answer := strategy(said)) is not None)

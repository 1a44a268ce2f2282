"""Anthropic's Messages API, through its SDK."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import anthropic
from anthropic import AsyncAnthropic, omit

from interaction.core.types import Message, ToolCall, ToolSpec
from interaction.providers import calls
from interaction.providers.base import Cut, ProviderConfig, Usage, Written
from interaction.providers.blame import Blame
from interaction.providers.errors import ProviderError
from interaction.providers.http import Stage, transport
from interaction.providers.silence import SILENCE

BASE_URL = "https://api.anthropic.com"
MOST_TOKENS = 2_048
"""Of a reply: the API wants a limit. Nobody listens to more than this says."""
CAN_ANSWER_AT_ONCE = ("claude-haiku", "claude-sonnet")
"""Models that need not think first: in a conversation, thinking is silence."""


def make(config: ProviderConfig) -> tuple[AsyncAnthropic, Callable[[], Awaitable[None]]]:
    client = AsyncAnthropic(
        base_url=config.base_url or BASE_URL,
        # Given in any case: else the SDK looks for one in the environment.
        api_key=config.api_key or "none",
        max_retries=0,
        http_client=anthropic.DefaultAsyncHttpxClient(**transport()),
    )
    return client, client.close


class AnthropicBlame(Blame):
    def translate(self, error: Exception, *, begun: bool) -> ProviderError | None:
        match error:
            case anthropic.APIStatusError(status_code=200):
                return self.told(error.type or "")
            case anthropic.APIStatusError():
                retry_after = error.response.headers.get("retry-after", "")
                return self.status(error.status_code, error.type or "", retry_after)
            case anthropic.APITimeoutError():
                return self.timeout()
            case anthropic.APIConnectionError():
                return self.lost(begun=begun)
            case anthropic.AnthropicError():
                return self.nonsense()
        return super().translate(error, begun=begun)


class LanguageModel(Stage):
    """Streams the reply's text as the model writes it."""

    stage = "llm"
    first = 8.0
    make = make
    blames = AnthropicBlame

    async def complete(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec] = (),
        *,
        tool_choice: str = "auto",
        max_tokens: int | None = None,
    ) -> AsyncIterator[Written]:
        model = self._config.model
        request = self._client.messages.with_streaming_response.create(
            model=model,
            max_tokens=max_tokens or MOST_TOKENS,
            system="\n\n".join(m.content for m in messages if m.role == "system") or omit,
            messages=_lines(messages),
            tools=[_tool(tool) for tool in tools] or omit,
            tool_choice=_choice(tool_choice) if tools and tool_choice != "auto" else omit,
            thinking={"type": "disabled"} if model.startswith(CAN_ANSWER_AT_ONCE) else omit,
            stream=True,
        )
        async with self._asked(request) as (response, pace):
            if "text/event-stream" not in response.headers.get("content-type", ""):
                raise self._blame.protocol("did not stream its answer")
            reply = _Reply(self._blame)
            # To its very end, or the connection could not be used again.
            async for event in pace.over(aiter(await response.parse())):
                for piece in reply.take(event):
                    yield piece
            if not reply.complete:
                raise self._blame.cut()

    async def _touch(self) -> None:
        await self._client.models.list(limit=1)


def _choice(wanted: str) -> Any:
    kind = {"none": "none", "required": "any"}.get(wanted)
    return {"type": kind} if kind else {"type": "tool", "name": wanted}


class _Reply:
    """A reply from the events that it comes in: blocks of text, and of tools to be called."""

    def __init__(self, blame: Blame) -> None:
        self.complete = False
        self._blame = blame
        self._calls: dict[int, tuple[str, str, list[str]]] = {}
        self._prompt: int | None = None
        self._said = False

    def take(self, event: Any) -> list[Written]:
        """What there is to hand on. The SDK does not check what it parses, so this does."""
        try:
            return self._take(event)
        except (AttributeError, TypeError, KeyError):
            raise self._blame.nonsense() from None

    def _take(self, event: Any) -> list[Written]:
        match event.type:
            case "message_start":
                self._prompt = _prompt_tokens(event.message.usage)
            case "content_block_start" if event.content_block.type == "tool_use":
                block = event.content_block
                self._calls[event.index] = (block.id, block.name, [])
            case "content_block_delta" if event.delta.type == "text_delta":
                return self._text(event.delta.text)
            case "content_block_delta" if event.delta.type == "input_json_delta":
                self._calls[event.index][2].append(event.delta.partial_json)
            case "content_block_stop" if event.index in self._calls:
                id_, name, arguments = self._calls.pop(event.index)
                self._said = True
                return [ToolCall(id_, name, "".join(arguments) or "{}")]
            case "message_delta":
                if event.delta.stop_reason == "refusal" and not self._said:
                    raise self._blame.refused("would not answer this")
                ended: list[Written] = []
                if event.delta.stop_reason == "max_tokens":
                    ended.append(Cut())
                if self._prompt is not None:
                    ended.append(Usage(self._prompt, event.usage.output_tokens))
                return ended
            case "message_stop":
                self.complete = True
        return []

    def _text(self, text: str) -> list[Written]:
        if not isinstance(text, str):
            raise TypeError
        self._said = self._said or bool(text)
        return [text] if text else []


def _prompt_tokens(usage: Any) -> int:
    cached = (usage.cache_creation_input_tokens, usage.cache_read_input_tokens)
    return int(usage.input_tokens + sum(count or 0 for count in cached))


def _lines(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """The conversation as the API wants it: the results of one request's tools are one line, and
    the person begins it and has the last word."""
    lines: list[dict[str, Any]] = []
    for message in messages:
        blocks = _blocks(message)
        if message.role == "system" or not blocks:
            continue
        role = "assistant" if message.role == "assistant" else "user"
        if lines and lines[-1]["role"] == role:
            lines[-1]["content"] += blocks
        else:
            lines.append({"role": role, "content": blocks})
    silence = {"role": "user", "content": [{"type": "text", "text": SILENCE}]}
    if not lines or lines[0]["role"] == "assistant":
        lines.insert(0, silence)
    return [*lines, silence] if lines[-1]["role"] == "assistant" else lines


def _blocks(message: Message) -> list[dict[str, Any]]:
    if message.role == "tool":
        id_ = _id(message.tool_call_id)
        return [{"type": "tool_result", "tool_use_id": id_, "content": message.content}]
    # Empty text is refused.
    text = [{"type": "text", "text": message.content}] if message.content.strip() else []
    return text + [
        {
            "type": "tool_use",
            "id": _id(call.id),
            "name": call.name,
            "input": calls.arguments_of(call),
        }
        for call in message.tool_calls
    ]


def _id(id_: str) -> str:
    """An id as the API takes it; the context may hold calls of another provider."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", calls.bare(id_))


def _tool(tool: ToolSpec) -> dict[str, Any]:
    schema = json.loads(tool.parameters)
    return {"name": tool.name, "description": tool.description, "input_schema": schema}

"""Language models over OpenAI's chat completions, or whatever else speaks them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from openai import omit

from interaction.core.types import CutReason, Message, ToolCall, ToolSpec
from interaction.providers._shared.placeholder_turn import PLACEHOLDER
from interaction.providers._shared.tool_call_parsing import bare_id, new_id
from interaction.providers._shared.valid_text import ValidTextStream, valid_arguments, valid_text
from interaction.providers.openai.client import OpenAIStage
from interaction.providers.stage_protocols import (
    AnswerCut,
    LanguageModelOutput,
    Usage,
)

PLACEHOLDER_TURN = Message("user", PLACEHOLDER)
"""Sent where the conversation is empty, which is refused."""
CUT_REASONS: dict[str, CutReason] = {
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "content_filter": "content_filter",
    "safety": "content_filter",
    "sensitive": "content_filter",
}
"""By ``finish_reason``, in OpenAI's words and those of servers that speak its protocol."""
PIECE_FIELDS = ("index", "id", "function")
"""Fields of a piece of a tool call; not every server gives all of them."""


class LanguageModel(OpenAIStage):
    """Streams the reply's text as the model writes it."""

    stage = "llm"
    first = 8.0

    async def complete(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec] = (),
        *,
        tool_choice: str = "auto",
        max_tokens: int | None = None,
    ) -> AsyncIterator[LanguageModelOutput]:
        request = self._client.chat.completions.with_streaming_response.create(
            model=self._config.model,
            messages=[_chat_message(message) for message in messages or (PLACEHOLDER_TURN,)],
            tools=[_tool(tool) for tool in tools] or omit,
            tool_choice=_tool_choice(tool_choice) if tools and tool_choice != "auto" else omit,
            max_completion_tokens=max_tokens or omit,
            stream=True,
            stream_options={"include_usage": True},
        )
        async with self._answer(request) as (response, deadlines):
            if "text/event-stream" not in response.headers.get("content-type", ""):
                raise self._errors.protocol_error("did not stream its answer")
            text, tool_calls = ValidTextStream(), ToolCallAssembler()
            usage, finish_reason = None, ""
            try:
                async for chunk in deadlines.limit(aiter(await response.parse())):
                    usage = _usage(chunk) or usage
                    for choice in self._choices(chunk):
                        finish_reason = finish_reason or str(choice.finish_reason or "")
                        tool_calls.feed(choice.delta.tool_calls or ())
                        delta = choice.delta.content or choice.delta.refusal or ""
                        if piece := text.feed(delta):
                            yield piece
            except TimeoutError:
                # What may come after the end (usage, [DONE]) is not worth failing for.
                if not finish_reason:
                    raise
            if not finish_reason:
                raise self._errors.broken_off()
            if rest := text.finish():
                yield rest
            for call in tool_calls.complete():
                if not call.name:
                    raise self._errors.unintelligible()
                yield call
            if reason := CUT_REASONS.get(finish_reason):
                yield AnswerCut(reason)
            if usage:
                yield usage

    def _choices(self, chunk: Any) -> list[Any]:
        """The SDK does not check what it parses: a missing delta would come up as a bug of ours."""
        choices = getattr(chunk, "choices", None)
        if not isinstance(choices, list) or any(
            not isinstance(getattr(getattr(choice, "delta", None), "content", None), str | None)
            or choice.delta is None
            for choice in choices
        ):
            raise self._errors.unintelligible()
        return choices


@dataclass
class _OpenCall:
    id: str
    name: str = ""
    arguments: str = ""


class ToolCallAssembler:
    """Tool calls from the pieces that they come in.

    A piece belongs to the call of its index. Some servers give every call the same index, or
    none, and each call whole: there, another id is another call.
    """

    def __init__(self) -> None:
        self._all: list[_OpenCall] = []
        self._open: dict[int | None, _OpenCall] = {}

    def feed(self, pieces: Sequence[Any]) -> None:
        for piece in pieces:
            index, id_, function = (getattr(piece, name, None) for name in PIECE_FIELDS)
            call = self._open.get(index)
            if call is None or (id_ and id_ != call.id):
                call = self._open[index] = _OpenCall(id_ or new_id())
                self._all.append(call)
            call.name += getattr(function, "name", None) or ""
            call.arguments += getattr(function, "arguments", None) or ""

    def complete(self) -> list[ToolCall]:
        return [
            ToolCall(
                valid_text(call.id), valid_text(call.name), valid_arguments(call.arguments or "{}")
            )
            for call in self._all
        ]


def _chat_message(message: Message) -> dict[str, Any]:
    sent: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.role == "tool":
        sent["tool_call_id"] = bare_id(message.tool_call_id)
    if message.tool_calls:
        sent["tool_calls"] = [
            {
                "id": bare_id(call.id),
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in message.tool_calls
        ]
    return sent


def _tool(tool: ToolSpec) -> dict[str, Any]:
    return {
        "type": "function",
        "function": {
            "name": tool.name,
            "description": tool.description,
            "parameters": json.loads(tool.parameters),
        },
    }


def _tool_choice(wanted: str) -> Any:
    if wanted in ("none", "required"):
        return wanted
    return {"type": "function", "function": {"name": wanted}}


def _usage(chunk: Any) -> Usage | None:
    usage = getattr(chunk, "usage", None)
    prompt, completion = (
        getattr(usage, name, None) for name in ("prompt_tokens", "completion_tokens")
    )
    if isinstance(prompt, int) and isinstance(completion, int):
        return Usage(prompt, completion)
    return None

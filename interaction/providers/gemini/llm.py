"""Language models of Google's Gemini API, through its SDK."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence
from typing import Any

from google.genai import types

from interaction.core.types import CutReason, Message, ToolCall, ToolSpec
from interaction.providers._shared.http import HttpStage
from interaction.providers._shared.placeholder_turn import PLACEHOLDER
from interaction.providers._shared.tool_call_parsing import new_id, with_extra
from interaction.providers._shared.valid_text import ValidTextStream, valid_arguments, valid_text
from interaction.providers.gemini.client import GeminiErrorMapping, make_client
from interaction.providers.gemini.contents import contents_of
from interaction.providers.stage_protocols import (
    AnswerCut,
    LanguageModelOutput,
    Usage,
)

LENGTH_REASONS = ("MAX_TOKENS", "CONTINUATION")
FILTER_REASONS = (
    *("SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII"),
    *("MODEL_ARMOR", "ESCALATION", "IMAGE_SAFETY", "PUP_LIMITED_DISABLED"),
)
CUT_REASONS: dict[str, CutReason] = {
    **dict.fromkeys(LENGTH_REASONS, "length"),
    **dict.fromkeys(FILTER_REASONS, "content_filter"),
}
"""By ``finishReason``."""
THINKS_BY_BUDGET = ("gemini-1", "gemini-2")
"""Prefixes of the names of models from before the level of thinking could be chosen."""


class LanguageModel(HttpStage):
    """Streams the reply's text as the model writes it."""

    stage = "llm"
    first = 8.0
    make_client = make_client
    error_mapping = GeminiErrorMapping

    async def complete(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec] = (),
        *,
        tool_choice: str = "auto",
        max_tokens: int | None = None,
    ) -> AsyncIterator[LanguageModelOutput]:
        request = self._client.aio.models.generate_content_stream(
            model=self._config.model,
            contents=_contents_to_answer(messages),
            config=self._request_config(messages, tools, tool_choice, max_tokens),
        )
        async with self._answer(_answer_of(request)) as (chunks, deadlines):
            usage, finish_reason, any_output = None, "", False
            text = ValidTextStream()
            async for chunk in deadlines.limit(chunks):
                usage = _usage(chunk) or usage
                if chunk.prompt_feedback and chunk.prompt_feedback.block_reason:
                    raise self._errors.refused("would not answer this")
                for candidate in chunk.candidates or ():
                    finish_reason = _name(candidate.finish_reason) or finish_reason
                    for part in _output_parts(candidate):
                        any_output = True
                        for piece in _valid(part, text):
                            yield piece
            if not finish_reason:
                raise self._errors.broken_off()
            if rest := text.finish():
                yield rest
            if not any_output and finish_reason != "STOP":
                raise self._errors.refused("would not answer this")
            if reason := CUT_REASONS.get(finish_reason):
                yield AnswerCut(reason)
            if usage:
                yield usage

    def _request_config(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec],
        tool_choice: str,
        max_tokens: int | None,
    ) -> types.GenerateContentConfig:
        declared = [
            types.FunctionDeclaration(
                name=tool.name,
                description=tool.description,
                parameters_json_schema=json.loads(tool.parameters),
            )
            for tool in tools
        ]
        # In a conversation, thinking is silence.
        briefly = types.ThinkingConfig(thinking_level=types.ThinkingLevel.LOW)
        return types.GenerateContentConfig(
            system_instruction="\n\n".join(m.content for m in messages if m.role == "system")
            or None,
            tools=[types.Tool(function_declarations=declared)] if declared else None,
            tool_config=_tool_choice(tool_choice) if declared and tool_choice != "auto" else None,
            max_output_tokens=max_tokens,
            automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
            thinking_config=None if self._config.model.startswith(THINKS_BY_BUDGET) else briefly,
        )

    async def _send_warming_request(self) -> None:
        await self._client.aio.models.list(config={"page_size": 1})


@contextlib.asynccontextmanager
async def _answer_of(request: Awaitable[Any]) -> AsyncIterator[AsyncIterator[Any]]:
    """The SDK sends the request when the first piece is wanted: the answer begins with that."""
    async with contextlib.aclosing(await request) as chunks:
        first = await anext(chunks, None)

        async def all_of_them() -> AsyncIterator[Any]:
            if first:
                yield first
            async for chunk in chunks:
                yield chunk

        yield all_of_them()


def _name(reason: types.FinishReason | None) -> str:
    """The API's own name of the reason, also of one that the SDK does not know."""
    return str(reason.value) if reason else ""


def _tool_choice(wanted: str) -> types.ToolConfig:
    modes = types.FunctionCallingConfigMode
    mode = {"none": modes.NONE}.get(wanted, modes.ANY)
    named = None if wanted in ("none", "required") else [wanted]
    return types.ToolConfig(
        function_calling_config=types.FunctionCallingConfig(mode=mode, allowed_function_names=named)
    )


def _output_parts(candidate: types.Candidate) -> list[str | ToolCall]:
    pieces: list[str | ToolCall] = []
    for part in (candidate.content and candidate.content.parts) or ():
        if part.function_call and part.function_call.name:
            call = part.function_call
            # The API wants the signature back with the call.
            signature = base64.b64encode(part.thought_signature or b"").decode()
            id_ = with_extra(call.id or new_id(), signature)
            pieces.append(ToolCall(id_, part.function_call.name, json.dumps(call.args or {})))
        elif part.text and not part.thought:
            pieces.append(part.text)
    return pieces


def _valid(part: str | ToolCall, text: ValidTextStream) -> Iterator[str | ToolCall]:
    """The output of a part, as valid text."""
    if isinstance(part, str):
        if piece := text.feed(part):
            yield piece
        return
    if rest := text.finish():
        yield rest
    arguments = valid_arguments(part.arguments)
    yield ToolCall(valid_text(part.id), valid_text(part.name), arguments)


def _usage(chunk: types.GenerateContentResponse) -> Usage | None:
    counts = chunk.usage_metadata
    if not counts or counts.prompt_token_count is None:
        return None
    written = (counts.candidates_token_count or 0) + (counts.thoughts_token_count or 0)
    return Usage(counts.prompt_token_count, written)


def _contents_to_answer(messages: Sequence[Message]) -> list[types.Content]:
    """The API wants the first and the last message to be the person's."""
    sent = contents_of(messages)
    placeholder = types.Content(role="user", parts=[types.Part(text=PLACEHOLDER)])
    if not sent or sent[0].role == "model":
        sent.insert(0, placeholder)
    return [*sent, placeholder] if sent[-1].role == "model" else sent

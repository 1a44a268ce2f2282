"""Language models of Google's Gemini API, through its SDK."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from functools import partial
from typing import Any

from google.genai import types

from interaction.core.types import CutReason, Message, ToolCall, ToolSpec
from interaction.providers._shared.answer_text import AnswerText
from interaction.providers._shared.http import HttpStage
from interaction.providers._shared.placeholder_turn import PLACEHOLDER
from interaction.providers._shared.refused_fields import asked_without_refused
from interaction.providers._shared.told_tool_results import with_results_told
from interaction.providers._shared.tool_call_parsing import new_id, with_extra
from interaction.providers._shared.valid_text import valid_arguments, valid_text
from interaction.providers.gemini.client import GeminiErrorMapping, make_client, refusal
from interaction.providers.gemini.contents import contents_of
from interaction.providers.stage_protocols import (
    WORKING,
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
        optional = self._optional_fields(messages, tools, tool_choice, max_tokens)
        source = (self.stage, self._config.base_url, self._config.model)
        asking = asked_without_refused(
            partial(self._ask, messages, bool(tools)), optional, source, refusal
        )
        async with self._answer(asking) as (chunks, deadlines):
            usage, finish_reason, any_output = None, "", False
            text = AnswerText((self._config.base_url, self._config.model))
            async for chunk in deadlines.limit(chunks):
                usage = _usage(chunk) or usage
                if chunk.prompt_feedback and chunk.prompt_feedback.block_reason:
                    raise self._errors.refused("would not answer this")
                pieces: list[str | ToolCall] = []
                for candidate in chunk.candidates or ():
                    finish_reason = _name(candidate.finish_reason) or finish_reason
                    for part in _output_parts(candidate):
                        pieces += _valid(part, text)
                any_output = any_output or bool(pieces)
                for piece in pieces:
                    yield piece
                if pieces:
                    deadlines.on_output()
                elif not finish_reason and deadlines.must_report_work():
                    yield WORKING
            if not finish_reason:
                raise self._errors.broken_off()
            if rest := text.finish():
                any_output = True
                yield rest
            if not any_output and finish_reason != "STOP":
                raise self._errors.refused("would not answer this")
            if reason := CUT_REASONS.get(finish_reason):
                yield AnswerCut(reason)
            if usage:
                yield usage

    def _optional_fields(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec],
        tool_choice: str,
        max_tokens: int | None,
    ) -> dict[str, Any]:
        """Fields of the request's configuration, which not every model knows."""
        fields: dict[str, Any] = {}
        if prompt := _system_prompt(messages):
            fields["system_instruction"] = prompt
        if tools:
            fields["tools"] = [
                types.Tool(
                    function_declarations=[
                        types.FunctionDeclaration(
                            name=tool.name,
                            description=tool.description,
                            parameters_json_schema=json.loads(tool.parameters),
                        )
                        for tool in tools
                    ]
                )
            ]
        if tools and tool_choice != "auto":
            fields["tool_config"] = _tool_choice(tool_choice)
        if max_tokens:
            fields["max_output_tokens"] = max_tokens
        if not self._config.model.startswith(THINKS_BY_BUDGET):
            # In a conversation, thinking is silence.
            level = types.ThinkingLevel.LOW
            fields["thinking_config"] = types.ThinkingConfig(thinking_level=level)
        return fields

    @contextlib.asynccontextmanager
    async def _ask(
        self, messages: Sequence[Message], has_tools: bool, **fields: Any
    ) -> AsyncIterator[AsyncIterator[Any]]:
        """The chunks of the answer. ``has_tools``: there are some, though they may not be sent.

        The SDK sends the request when the first chunk is wanted: the answer begins with that.
        """
        told = list(messages)
        if has_tools and "tools" not in fields:
            fields.pop("tool_config", None)
            told = with_results_told(told)
        if "system_instruction" not in fields and (prompt := _system_prompt(told)):
            told.insert(0, Message("user", prompt))
        no_calling = types.AutomaticFunctionCallingConfig(disable=True)
        request = self._client.aio.models.generate_content_stream(
            model=self._config.model,
            contents=_contents_to_answer(told),
            config=types.GenerateContentConfig(automatic_function_calling=no_calling, **fields),
        )
        async with contextlib.aclosing(await request) as chunks:
            first = await anext(chunks, None)

            async def all_of_them() -> AsyncIterator[Any]:
                if first:
                    yield first
                async for chunk in chunks:
                    yield chunk

            yield all_of_them()

    async def _send_warming_request(self) -> None:
        await self._client.aio.models.list(config={"page_size": 1})


def _system_prompt(messages: Sequence[Message]) -> str:
    return "\n\n".join(message.content for message in messages if message.role == "system")


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


def _valid(part: str | ToolCall, text: AnswerText) -> Iterator[str | ToolCall]:
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

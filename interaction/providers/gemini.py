"""Google's Gemini API, through its SDK."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import httpx2
from google import genai
from google.genai import errors, types
from pydantic import ValidationError

from interaction.core.types import Message, ToolCall, ToolSpec
from interaction.providers import calls
from interaction.providers.base import Cut, ProviderConfig, Usage, Written
from interaction.providers.blame import Blame
from interaction.providers.errors import ProviderError
from interaction.providers.http import Stage, transport
from interaction.providers.silence import SILENCE

BASE_URL = "https://generativelanguage.googleapis.com"
THINKS_BY_BUDGET = ("gemini-1", "gemini-2")
"""Models from before the level of thinking could be said."""
UNSIGNED = b"skip_thought_signature_validator"
"""The documented signature of a call that this model did not make: it is from another provider."""


def make(config: ProviderConfig) -> tuple[genai.Client, Callable[[], Awaitable[None]]]:
    connections = httpx2.AsyncClient(**transport())
    client = genai.Client(
        api_key=config.api_key or "none",
        vertexai=False,
        http_options=types.HttpOptions(
            base_url=config.base_url or BASE_URL,
            httpx_async_client=connections,
            # Unused, but the SDK would take its time to make one.
            httpx_client=httpx2.Client(**transport()),
        ),
    )

    async def close() -> None:
        client.close()
        await connections.aclose()

    return client, close


class GeminiBlame(Blame):
    def translate(self, error: Exception, *, begun: bool) -> ProviderError | None:
        match error:
            case errors.APIError():
                details = _details(error)
                reasons = [detail.get("reason") for detail in details]
                # A wrong key is answered with 400, like any other wrong argument.
                bad_key = "API_KEY_INVALID" in reasons
                delays = [str(d["retryDelay"]) for d in details if "retryDelay" in d]
                headers = getattr(error.response, "headers", None) or {}
                retry_after = headers.get("retry-after") or next(iter(delays), "")
                word = "api_key_invalid" if bad_key else str(error.status or "")
                return self.status(int(error.code or 0), word, retry_after.rstrip("s"))
            case errors.UnknownApiResponseError() | ValidationError():
                return self.nonsense()
        return super().translate(error, begun=begun)


class LanguageModel(Stage):
    """Streams the reply's text as the model writes it."""

    stage = "llm"
    first = 8.0
    make = make
    blames = GeminiBlame

    async def complete(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec] = (),
        *,
        tool_choice: str = "auto",
        max_tokens: int | None = None,
    ) -> AsyncIterator[Written]:
        request = self._client.aio.models.generate_content_stream(
            model=self._config.model,
            contents=_to_answer(messages),
            config=self._settings(messages, tools, tool_choice, max_tokens),
        )
        async with self._asked(_opened(request)) as (chunks, pace):
            usage, finished, said = None, "", False
            async for chunk in pace.over(chunks):
                usage = _usage(chunk) or usage
                if chunk.prompt_feedback and chunk.prompt_feedback.block_reason:
                    raise self._blame.refused("would not answer this")
                for candidate in chunk.candidates or ():
                    finished = str(candidate.finish_reason or finished)
                    for piece in _pieces(candidate):
                        said = True
                        yield piece
            if not finished:
                raise self._blame.cut()
            if not said and not finished.endswith("STOP"):
                raise self._blame.refused("would not answer this")
            if finished.endswith("MAX_TOKENS"):
                yield Cut()
            if usage:
                yield usage

    def _settings(
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
        little = types.ThinkingConfig(thinking_level=types.ThinkingLevel.LOW)
        return types.GenerateContentConfig(
            system_instruction="\n\n".join(m.content for m in messages if m.role == "system")
            or None,
            tools=[types.Tool(function_declarations=declared)] if declared else None,
            tool_config=_choice(tool_choice) if declared and tool_choice != "auto" else None,
            max_output_tokens=max_tokens,
            automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
            thinking_config=None if self._config.model.startswith(THINKS_BY_BUDGET) else little,
        )

    async def _touch(self) -> None:
        await self._client.aio.models.list(config={"page_size": 1})


@contextlib.asynccontextmanager
async def _opened(request: Awaitable[Any]) -> AsyncIterator[AsyncIterator[Any]]:
    """The SDK sends the request when the first piece is wanted: the answer begins with that."""
    async with contextlib.aclosing(await request) as chunks:
        first = await anext(chunks, None)

        async def all_of_them() -> AsyncIterator[Any]:
            if first:
                yield first
            async for chunk in chunks:
                yield chunk

        yield all_of_them()


def _choice(wanted: str) -> types.ToolConfig:
    modes = types.FunctionCallingConfigMode
    mode = {"none": modes.NONE}.get(wanted, modes.ANY)
    named = None if wanted in ("none", "required") else [wanted]
    return types.ToolConfig(
        function_calling_config=types.FunctionCallingConfig(mode=mode, allowed_function_names=named)
    )


def _pieces(candidate: types.Candidate) -> list[str | ToolCall]:
    pieces: list[str | ToolCall] = []
    for part in (candidate.content and candidate.content.parts) or ():
        if part.function_call and part.function_call.name:
            asked = part.function_call
            # The API wants the signature back with the call.
            signature = base64.b64encode(part.thought_signature or b"").decode()
            id_ = calls.with_extra(asked.id or calls.new_id(), signature)
            pieces.append(ToolCall(id_, part.function_call.name, json.dumps(asked.args or {})))
        elif part.text and not part.thought:
            pieces.append(part.text)
    return pieces


def _usage(chunk: types.GenerateContentResponse) -> Usage | None:
    counts = chunk.usage_metadata
    if not counts or counts.prompt_token_count is None:
        return None
    written = (counts.candidates_token_count or 0) + (counts.thoughts_token_count or 0)
    return Usage(counts.prompt_token_count, written)


def contents(messages: Sequence[Message]) -> list[types.Content]:
    """The conversation; the results of one request's tools are one line, as the API wants it."""
    names = {call.id: call.name for message in messages for call in message.tool_calls}
    lines: list[types.Content] = []
    for message in messages:
        parts = _parts(message, names)
        if message.role == "system" or not parts:
            continue
        role = "model" if message.role == "assistant" else "user"
        if lines and lines[-1].role == role and lines[-1].parts:
            lines[-1].parts += parts
        else:
            lines.append(types.Content(role=role, parts=parts))
    return lines


def _to_answer(messages: Sequence[Message]) -> list[types.Content]:
    """The API wants the person to begin the conversation, and to have the last word."""
    lines = contents(messages)
    silence = types.Content(role="user", parts=[types.Part(text=SILENCE)])
    if not lines or lines[0].role == "model":
        lines.insert(0, silence)
    return [*lines, silence] if lines[-1].role == "model" else lines


def _parts(message: Message, names: dict[str, str]) -> list[types.Part]:
    if message.role == "tool":
        id_ = message.tool_call_id
        answer = types.FunctionResponse(
            id=calls.bare(id_),
            name=names.get(id_, "tool"),
            response={"result": message.content},
        )
        return [types.Part(function_response=answer)]
    parts = [types.Part(text=message.content)] if message.content.strip() else []
    for call in message.tool_calls:
        signature = base64.b64decode(calls.extra(call.id)) or None
        if not signature and call is message.tool_calls[0]:
            # Of calls made at once, only the first one has a signature.
            signature = UNSIGNED
        asked = types.FunctionCall(
            id=calls.bare(call.id), name=call.name, args=calls.arguments_of(call)
        )
        parts.append(types.Part(function_call=asked, thought_signature=signature))
    return parts


def _details(error: errors.APIError) -> list[dict[str, Any]]:
    body = error.details if isinstance(error.details, dict) else {}
    inner = body.get("error", body)
    details = inner.get("details") if isinstance(inner, dict) else None
    return [d for d in details if isinstance(d, dict)] if isinstance(details, list) else []

"""An answer in the shapes of Anthropic's Messages API: blocks of text, and of tools to be called.

Sans-IO. What an event lacks, or has in an unusual shape, costs nothing but that part of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from interaction.core.types import CutReason
from interaction.providers._shared.answer_text import AnswerText
from interaction.providers._shared.error_mapping import ErrorMapping
from interaction.providers._shared.event_stream import ServerEvent, error_code_in
from interaction.providers._shared.tool_call_assembler import ToolCallAssembler
from interaction.providers.stage_protocols import AnswerCut, LanguageModelOutput, Usage

CUT_REASONS: dict[str, CutReason] = {
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "content_filter",
}
"""By ``stop_reason``."""


class MessageAnswer:
    """Implements ``AnswerAssembler``."""

    def __init__(self, errors: ErrorMapping, text: AnswerText) -> None:
        self.complete = False
        self._errors = errors
        self._text = text
        self._calls: dict[Any, ToolCallAssembler] = {}
        """Open tool calls by their block's index."""
        self._stop_reason = ""
        self._prompt_tokens: int | None = None
        self._completion_tokens: int | None = None
        self._any_output = False

    def read(self, events: Sequence[ServerEvent], *, done: bool) -> list[LanguageModelOutput]:
        outputs: list[LanguageModelOutput] = []
        for event in events:
            code = error_code_in(event)
            if code is not None and not self.complete:
                raise self._errors.error_code(code)
            outputs += self._understood(str(event.body.get("type") or event.name), event.body)
        self.complete = self.complete or done
        self._any_output = self._any_output or bool(outputs)
        return outputs

    def finish(self) -> list[LanguageModelOutput]:
        outputs = self._rest()
        for index in list(self._calls):
            outputs += self._call_made(index)
        reason = CUT_REASONS.get(self._stop_reason)
        if reason == "content_filter" and not (self._any_output or outputs):
            raise self._errors.refused("would not answer this")
        if reason:
            outputs.append(AnswerCut(reason))
        if self._prompt_tokens is not None and self._completion_tokens is not None:
            outputs.append(Usage(self._prompt_tokens, self._completion_tokens))
        return outputs

    def _understood(self, kind: str, body: dict[str, Any]) -> list[LanguageModelOutput]:
        match kind:
            case "message_start":
                message = _object(body.get("message"))
                self._prompt_tokens = _prompt_tokens(message) or self._prompt_tokens
            case "content_block_start":
                return self._block(body.get("index"), _object(body.get("content_block")))
            case "content_block_delta":
                return self._delta(body.get("index"), _object(body.get("delta")))
            case "content_block_stop":
                return self._call_made(body.get("index"))
            case "message_delta":
                self._ends(_object(body.get("delta")), body)
            case "message_stop":
                self.complete = True
            case "message":
                return self._whole(body)
        return []

    def _whole(self, message: dict[str, Any]) -> list[LanguageModelOutput]:
        """It was not streamed."""
        outputs: list[LanguageModelOutput] = []
        content = message.get("content")
        for index, block in enumerate(content if isinstance(content, list) else ()):
            outputs += self._block(index, _object(block))
            outputs += self._call_made(index)
        self._prompt_tokens = _prompt_tokens(message)
        self._ends(message, message)
        self.complete = True
        return outputs

    def _block(self, index: Any, block: dict[str, Any]) -> list[LanguageModelOutput]:
        if block.get("type") == "tool_use":
            outputs = self._rest()
            self._calls[index] = ToolCallAssembler()
            self._calls[index].feed(block)
            return outputs
        return self._text_output(block.get("text")) if block.get("type") == "text" else []

    def _delta(self, index: Any, delta: dict[str, Any]) -> list[LanguageModelOutput]:
        if delta.get("type") == "input_json_delta":
            call = self._calls.get(index) or next(iter(self._calls.values()), None)
            if call:
                call.feed({"arguments": delta.get("partial_json")})
            return []
        return self._text_output(delta.get("text")) if delta.get("type") == "text_delta" else []

    def _ends(self, told: dict[str, Any], body: dict[str, Any]) -> None:
        reason = told.get("stop_reason")
        if isinstance(reason, str) and reason:
            self._stop_reason, self.complete = reason, True
        written = _object(body.get("usage")).get("output_tokens")
        if isinstance(written, int):
            self._completion_tokens = written

    def _call_made(self, index: Any) -> list[LanguageModelOutput]:
        call = self._calls.pop(index, None)
        return [*call.complete()] if call else []

    def _text_output(self, delta: Any) -> list[LanguageModelOutput]:
        text = self._text.feed(delta) if isinstance(delta, str) else ""
        return [text] if text else []

    def _rest(self) -> list[LanguageModelOutput]:
        """What still waits for the other half of a character, or of a mark."""
        rest = self._text.finish()
        return [rest] if rest else []


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _prompt_tokens(message: dict[str, Any]) -> int | None:
    usage = _object(message.get("usage"))
    if not isinstance(usage.get("input_tokens"), int):
        return None
    names = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
    counts = (usage.get(name) for name in names)
    return sum(count for count in counts if isinstance(count, int))

"""An answer in the shapes of OpenAI's chat completions, and of servers that nearly speak them.

Sans-IO. What a chunk lacks, or has in an unusual shape, costs nothing but that part of the chunk.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from interaction.core.types import CutReason
from interaction.providers._shared.answer_text import AnswerText
from interaction.providers._shared.error_mapping import ErrorMapping
from interaction.providers._shared.event_stream import ServerEvent, error_code_in
from interaction.providers._shared.tool_call_assembler import ToolCallAssembler
from interaction.providers._shared.written_calls import WrittenCalls
from interaction.providers.stage_protocols import AnswerCut, LanguageModelOutput, Usage

CUT_REASONS: dict[str, CutReason] = {
    "length": "length",
    "max_tokens": "length",
    "max_output_tokens": "length",
    "max_length": "length",
    "model_length": "length",
    "content_filter": "content_filter",
    "safety": "content_filter",
    "sensitive": "content_filter",
}
"""By ``finish_reason``, in OpenAI's words and those of servers that speak its protocol."""
NO_REASONS = ("", "null", "none")
BROKE = "error"
"""The ``finish_reason`` of an answer that failed on its way, as OpenRouter has it."""
REASONING_PARTS = ("thinking", "reasoning", "redacted_thinking", "reasoning_text", "thought")
"""Types of the parts of a content that are reasoning."""


class ChatAnswer:
    """Implements ``AnswerAssembler``."""

    def __init__(self, errors: ErrorMapping, text: AnswerText, tool_names: Collection[str]) -> None:
        self.complete = False
        self._errors = errors
        self._text = text
        self._calls = ToolCallAssembler(tool_names)
        self._written = WrittenCalls(tool_names)
        self._finish_reason = ""
        self._usage: Usage | None = None
        self._any_deltas = False
        self._any_text = False

    def read(self, events: Sequence[ServerEvent], *, done: bool) -> list[LanguageModelOutput]:
        outputs: list[LanguageModelOutput] = []
        for event in events:
            code = error_code_in(event)
            if code is not None and not self._finish_reason:
                raise self._errors.error_code(code)
            self._usage = _usage_in(event.body) or self._usage
            for choice in _choices(event.body):
                if choice.get("finish_reason") == BROKE:
                    raise self._errors.error_code(_code_of(choice.get("error")))
                self._usage = _usage_in(choice) or self._usage
                if text := self._written.feed(self._text.feed(self._on_choice(choice))):
                    outputs.append(text)
            self.complete = self.complete or event.whole or _is_last(event.body)
        self._any_text = self._any_text or bool(outputs)
        self.complete = self.complete or done or bool(self._finish_reason)
        return outputs

    def finish(self) -> list[LanguageModelOutput]:
        outputs: list[LanguageModelOutput] = []
        text, written = self._written.feed(self._text.finish()), self._written.finish()
        if rest := text + written[0]:
            outputs.append(rest)
        calls = self._calls.complete() or written[1]
        reason = CUT_REASONS.get(self._finish_reason)
        any_output = self._any_text or bool(outputs or calls)
        if not any_output and reason == "content_filter":
            raise self._errors.refused("would not answer this")
        if not any_output and self._calls.any_pieces:
            raise self._errors.unintelligible()
        outputs += calls
        if reason:
            outputs.append(AnswerCut(reason))
        if self._usage:
            outputs.append(self._usage)
        return outputs

    def _on_choice(self, choice: dict[str, Any]) -> str:
        """Take what a choice holds; return its text."""
        reason = choice.get("finish_reason") or choice.get("done_reason")
        if isinstance(reason, str) and reason.lower() not in NO_REASONS:
            self._finish_reason = self._finish_reason or reason.lower()
        delta = choice.get("delta")
        if isinstance(delta, str):
            delta = {"content": delta}
        if isinstance(delta, dict) and delta:
            self._any_deltas = True
        else:
            # The whole message may come once more, at the end of its deltas.
            message = choice.get("message")
            delta = message if isinstance(message, dict) and not self._any_deltas else {}
        self._calls.feed(delta.get("tool_calls"))
        self._calls.feed(delta.get("function_call"))
        text = "".join(_texts(delta.get("content")))
        return text or "".join(_texts(delta.get("refusal"))) or "".join(_texts(choice.get("text")))


def _choices(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The first choice, wherever it is: nobody asks for more than one."""
    choices = body.get("choices")
    if isinstance(choices, dict):
        choices = [choices]
    if not isinstance(choices, list):
        choices = [body] if isinstance(body.get("message"), dict) or body.get("delta") else []
    found = [choice for choice in choices if isinstance(choice, dict)]
    return [one for one in found if not one.get("index") or len(found) == 1]


def _is_last(body: dict[str, Any]) -> bool:
    """It holds the count of tokens and no choice: nothing follows."""
    return not body.get("choices") and _usage_in(body) is not None


def _code_of(error: Any) -> str:
    code = error.get("code") if isinstance(error, dict) else None
    return str(code or "")


def _texts(content: Any) -> Iterator[str]:
    """The pieces of text in a content: a string, a part of one, or a list of parts."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, list):
        for part in content:
            yield from _texts(part)
    elif isinstance(content, dict) and content.get("type") not in REASONING_PARTS:
        text = content.get("text") or content.get("content") or content.get("refusal")
        if isinstance(text, dict):
            text = text.get("value")
        if isinstance(text, str) and not content.get("thought"):
            yield text


def _usage_in(holder: dict[str, Any]) -> Usage | None:
    groq = holder.get("x_groq")
    usage = holder.get("usage") or (groq.get("usage") if isinstance(groq, dict) else None)
    if not isinstance(usage, dict):
        return None
    prompt, completion = usage.get("prompt_tokens"), usage.get("completion_tokens")
    if not (isinstance(prompt, int) and isinstance(completion, int)):
        return None
    return Usage(prompt, completion)

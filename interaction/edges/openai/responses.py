"""A response, from its creation to ``response.done``. Sans-IO: each step returns its events.

    response.created → [output_item.added → item.added → content_part.added → deltas → …done]…
    → response.done

A message item is added when its first text or audio comes, so that a reply which only calls a
function has no empty message in it.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any

from interaction.core.events import UsageReported
from interaction.core.news import ReplyEnded
from interaction.core.reply import Reply, Sentence
from interaction.core.types import CutReason, ToolCall
from interaction.edges.openai.errors import Event, new_id
from interaction.edges.openai.items import Item

INCOMPLETE_REASONS: dict[CutReason, str] = {
    "length": "max_output_tokens",
    "content_filter": "content_filter",
}
"""What the protocol calls the reasons for which a response is incomplete."""


@dataclass
class ResponseSettings:
    """What was asked of a response, as it is echoed in it."""

    modalities: list[str]
    max_output_tokens: Any
    audio_output: dict[str, Any]
    """Format and voice."""
    conversation_id: str | None
    """None: the response is out of band, beside the conversation."""
    metadata: dict[str, str] | None = None


@dataclass
class MessageItem:
    """The message item of a response, while it grows."""

    item: Item
    output_index: int
    previous: str | None
    """Id of the item that it follows."""
    text: str = ""


@dataclass
class Response:
    id: str
    reply: Reply
    """Its sentences and their audio, from which the core works out what was heard of it."""
    settings: ResponseSettings
    output: list[Item] = field(default_factory=list)
    status: str = "in_progress"
    status_details: dict[str, Any] | None = None
    usage: UsageReported | None = None
    error: dict[str, str] | None = None
    """Why it will end as failed, once the audio that there is has been sent."""
    latency: dict[str, float | None] | None = None
    heard_ms: int | None = None
    """The client has truncated it to this."""
    cut: CutReason | None = None
    """Why it is less than the model's whole answer; None: it is whole."""
    is_cancelled_by_client: bool = False
    message: MessageItem | None = None

    @property
    def has_audio(self) -> bool:
        return "audio" in self.settings.modalities

    @property
    def is_done(self) -> bool:
        return self.status != "in_progress"

    def created_event(self) -> Event:
        return {"type": "response.created", "response": self.echo()}

    def echo(self) -> dict[str, Any]:
        return {
            "object": "realtime.response",
            "id": self.id,
            "status": self.status,
            "status_details": self.status_details,
            "output": [dict(item) for item in self.output],
            "conversation_id": self.settings.conversation_id,
            "output_modalities": self.settings.modalities,
            "max_output_tokens": self.settings.max_output_tokens,
            "audio": {"output": self.settings.audio_output},
            "usage": _usage(self.usage) if self.is_done else None,
            "metadata": self.settings.metadata,
            **({"x_parley": {"latency": self.latency}} if self.latency else {}),
        }

    # It grows.

    def add_sentence(self, number: int, text: str, previous: str | None) -> list[Event]:
        """Another sentence; ``previous``: the item that the message would follow."""
        events = self.open_message(previous)
        assert self.message is not None
        self.reply.sentences.setdefault(number, Sentence("")).text = text
        # Sentences of speech come without the space between them; pieces of plain text have it.
        delta = f" {text}" if self.has_audio and self.message.text else text
        self.message.text += delta
        kind = "output_audio_transcript" if self.has_audio else "output_text"
        return [*events, {**self._part(f"response.{kind}.delta"), "delta": delta}]

    def audio_delta(self, raw: bytes) -> Event:
        """Audio of the message, in the format of the session, as it is sent."""
        delta = base64.b64encode(raw).decode()
        return {**self._part("response.output_audio.delta"), "delta": delta}

    def add_function_call(self, call: ToolCall, previous: str | None) -> list[Event]:
        """The model calls a function of the client; its arguments come whole."""
        item: Item = {
            "id": new_id("item"),
            "object": "realtime.item",
            "type": "function_call",
            "status": "in_progress",
            "call_id": call.id,
            "name": call.name,
            "arguments": "",
        }
        index = len(self.output)
        self.output.append(item)
        where = {"response_id": self.id, "item_id": item["id"], "output_index": index}
        where["call_id"] = call.id
        kind = "response.function_call_arguments"
        added = self._item_added(item, index, previous)
        item.update(status="completed", arguments=call.arguments)
        return [
            *added,
            {"type": f"{kind}.delta", **where, "delta": call.arguments},
            {"type": f"{kind}.done", **where, "name": call.name, "arguments": call.arguments},
            *self._item_done(item, index, previous),
        ]

    # It ends.

    def on_reply_ended(self, news: ReplyEnded) -> list[Event]:
        """All that there is of it has been sent."""
        self.latency = news.latency
        if self.error:
            return self._finish("failed", {"type": "failed", "error": self.error})
        if self.cut:
            details = {"type": "incomplete", "reason": INCOMPLETE_REASONS[self.cut]}
            return self._finish("incomplete", details)
        return self._finish("completed", None)

    def cancel(self, reason: str) -> list[Event]:
        """``reason``: turn_detected or client_cancelled."""
        return self._finish("cancelled", {"type": "cancelled", "reason": reason})

    def fail(self, code: str, message: str) -> list[Event]:
        """It has failed; where there is audio of it, that is sent first."""
        if code == "content_filtered":  # before its first word
            return self._finish("incomplete", {"type": "incomplete", "reason": "content_filter"})
        self.error = {"type": "server_error", "code": code, "message": message}
        if self.reply.audio_ms:
            return []
        return self._finish("failed", {"type": "failed", "error": self.error})

    def _finish(self, status: str, details: dict[str, Any] | None) -> list[Event]:
        closing = self._close_message(is_whole=status == "completed")
        self.status, self.status_details = status, details
        return [
            *closing,
            {"type": "response.done", "response": self.echo()},
            {"type": "rate_limits.updated", "rate_limits": []},
        ]

    def open_message(self, previous: str | None) -> list[Event]:
        """Add the message item, once, for text or audio to belong to."""
        if self.message:
            return []
        item: Item = {
            "id": new_id("item"),
            "object": "realtime.item",
            "type": "message",
            "status": "in_progress",
            "role": "assistant",
            "content": [],
        }
        self.message = MessageItem(item, len(self.output), previous)
        self.output.append(item)
        part = (
            {"type": "audio", "transcript": ""} if self.has_audio else {"type": "text", "text": ""}
        )
        return [
            *self._item_added(item, self.message.output_index, previous),
            {**self._part("response.content_part.added"), "part": part},
        ]

    def _close_message(self, *, is_whole: bool) -> list[Event]:
        message = self.message
        if message is None:
            return []
        text = message.text
        if self.has_audio:
            part = {"type": "audio", "transcript": text}
            kept = text if self.heard_ms is None else self.reply.heard_text(self.heard_ms)
            content = {"type": "output_audio", "transcript": kept}
            done = [
                self._part("response.output_audio.done"),
                {**self._part("response.output_audio_transcript.done"), "transcript": text},
            ]
        else:
            part = {"type": "text", "text": text}
            content = {"type": "output_text", "text": text}
            done = [{**self._part("response.output_text.done"), "text": text}]
        message.item["content"] = [content]
        message.item["status"] = "completed" if is_whole else "incomplete"
        return [
            *done,
            {**self._part("response.content_part.done"), "part": part},
            *self._item_done(message.item, message.output_index, message.previous),
        ]

    def _part(self, kind: str) -> Event:
        assert self.message is not None
        return {
            "type": kind,
            "response_id": self.id,
            "item_id": self.message.item["id"],
            "output_index": self.message.output_index,
            "content_index": 0,
        }

    def _item_added(self, item: Item, index: int, previous: str | None) -> list[Event]:
        where = {"response_id": self.id, "output_index": index}
        added: list[Event] = [{"type": "response.output_item.added", **where, "item": dict(item)}]
        if self.settings.conversation_id:
            added.append(
                {
                    "type": "conversation.item.added",
                    "previous_item_id": previous,
                    "item": dict(item),
                }
            )
        return added

    def _item_done(self, item: Item, index: int, previous: str | None) -> list[Event]:
        where = {"response_id": self.id, "output_index": index}
        done: list[Event] = [{"type": "response.output_item.done", **where, "item": dict(item)}]
        if self.settings.conversation_id:
            place = {"previous_item_id": previous, "item": dict(item)}
            done.insert(0, {"type": "conversation.item.done", **place})
        return done


def _usage(usage: UsageReported | None) -> dict[str, Any]:
    """Zeros where the provider does not count."""
    prompt, completion = (usage.prompt_tokens, usage.completion_tokens) if usage else (0, 0)
    details = {"text_tokens": prompt, "audio_tokens": 0, "image_tokens": 0, "cached_tokens": 0}
    return {
        "total_tokens": prompt + completion,
        "input_tokens": prompt,
        "output_tokens": completion,
        "input_token_details": details,
        "output_token_details": {"text_tokens": completion, "audio_tokens": 0},
    }

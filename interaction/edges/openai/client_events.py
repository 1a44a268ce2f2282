"""OpenAI's client events as commands to the core and changes of the conversation's items. Sans-IO.

The other way round: ``server_events``.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

from django.conf import settings as django_settings
from openai.types.realtime import RealtimeResponseCreateParams
from pydantic import TypeAdapter, ValidationError

from interaction.core.commands import (
    ClearAudio,
    Command,
    CommitTurn,
    CreateResponse,
    InterruptReply,
    PlaybackReport,
)
from interaction.core.redaction import Redactor
from interaction.core.types import Message
from interaction.edges.openai import items as conversation
from interaction.edges.openai.errors import ClientError, Event
from interaction.edges.openai.items import Items
from interaction.edges.openai.responses import ResponseSettings
from interaction.edges.openai.server_events import ServerEvents
from interaction.edges.openai.session import Settings, modern_modalities

MAX_APPEND_BYTES = 15 * 1024 * 1024
"""Bytes of audio in one append."""
MIN_COMMIT_MS = 100
"""Audio in a commit of the client's."""
_responses: TypeAdapter[Any] = TypeAdapter(RealtimeResponseCreateParams)
MAX_ITEMS = 2_000
MAX_ITEM_CHARACTERS = 64 * 1024 * 1024
"""Characters of all items that the client has made in a session."""
MAX_OUT_OF_BAND = 16
"""Responses beside the conversation at once."""
MAX_TOKENS = 4_096


class ClientEvents:
    def __init__(
        self,
        settings: Settings,
        extras: Mapping[str, Any],
        send: Callable[[Event], None],
        submit: Callable[[Command], None],
        feed_audio: Callable[[bytes], None],
        after_effects: Callable[[Callable[[], None]], None],
    ) -> None:
        """``extras``: the session's field ``x_parley``. ``feed_audio`` gets mono s16le at the rate
        of the settings' input format. ``submit`` and ``after_effects``: as of ``LiveSession``."""
        self.settings = settings
        self.items = Items()
        self.server_events = ServerEvents(settings, self.items, send, after_effects)
        self._extras = extras
        self._send = send
        self._submit = submit
        self._feed_audio = feed_audio
        self._item_characters = 0
        """Characters of items that the client has made."""

    def context(self) -> tuple[Message, ...]:
        """The context of a reply to a turn, without the words of that turn."""
        most = django_settings.ENV.parley_context_tokens
        return self.items.messages(self.settings.instructions, most)

    def session_echo(self) -> dict[str, Any]:
        """The session as it is sent in ``session.created`` and ``session.updated``."""
        return {**self.settings.echo(), "x_parley": dict(self._extras)}

    def on_event(self, event: Event) -> None:
        """Carry a client event out. Raises ``ClientError`` where that cannot be done."""
        kind = event.get("type")
        carry_out = self._HANDLERS.get(kind) if isinstance(kind, str) else None
        if carry_out is None:
            known = ", ".join(self._HANDLERS)
            raise ClientError("unknown_event", f"type must be one of: {known}.", "type")
        carry_out(self, event)

    def _update_session(self, event: Event) -> None:
        self.settings.update(event.get("session"))
        self._send({"type": "session.updated", "session": self.session_echo()})

    def _append(self, event: Event) -> None:
        audio = event.get("audio")
        if not isinstance(audio, str):
            raise ClientError("invalid_value", "audio must be a base64 string.", "audio")
        if len(audio) > MAX_APPEND_BYTES * 4 // 3 + 4:
            raise ClientError("audio_too_large", "An append holds at most 15 MiB.", "audio")
        try:
            raw = base64.b64decode(audio, validate=True)
        except (binascii.Error, ValueError):
            raise ClientError(
                "invalid_value", "audio: this is not valid base64.", "audio"
            ) from None
        form = self.settings.input_format
        self.server_events.uncommitted_ms += 1000 * len(raw) / form.sample_bytes / form.rate
        self._feed_audio(form.decode(raw))

    def _commit(self, event: Event) -> None:
        ms = self.server_events.uncommitted_ms
        if ms < MIN_COMMIT_MS:
            message = f"The buffer holds {ms:.0f} ms of audio; a commit needs {MIN_COMMIT_MS}."
            raise ClientError("input_audio_buffer_commit_empty", message)
        self.server_events.uncommitted_ms = 0
        self.server_events.commit_requested = True
        self._submit(CommitTurn(respond=None if self.settings.is_transcription else False))

    def _clear(self, event: Event) -> None:
        self.server_events.uncommitted_ms = 0
        self._submit(ClearAudio())
        self._send({"type": "input_audio_buffer.cleared"})

    def _create_item(self, event: Event) -> None:
        item = _checked_item(event.get("item"))
        size = len(json.dumps(item))
        if self._item_characters + size > MAX_ITEM_CHARACTERS:
            message = "The items of this session hold too much; open another one."
            raise ClientError("too_many_items", message)
        if len(self.items) >= MAX_ITEMS:
            message = f"A conversation holds at most {MAX_ITEMS} items of yours; delete some."
            raise ClientError("too_many_items", message)
        previous = self.items.insert(item, event.get("previous_item_id"))
        self._item_characters += size
        place = {"previous_item_id": previous, "item": item}
        self._send({"type": "conversation.item.added", **place})
        self._send({"type": "conversation.item.done", **place})

    def _retrieve_item(self, event: Event) -> None:
        item = self.items.get(event.get("item_id"), "item_retrieve_invalid_item_id")
        self._send({"type": "conversation.item.retrieved", "item": item})

    def _delete_item(self, event: Event) -> None:
        self.items.delete(event.get("item_id"))
        self._send({"type": "conversation.item.deleted", "item_id": event["item_id"]})

    def _truncate_item(self, event: Event) -> None:
        item = self.items.get(event.get("item_id"), "item_truncate_invalid_item_id")
        end_ms, index = event.get("audio_end_ms"), event.get("content_index", 0)
        if index != 0 or not isinstance(index, int) or isinstance(index, bool):
            raise ClientError("invalid_value", "content_index must be 0.", "content_index")
        if not isinstance(end_ms, int | float) or isinstance(end_ms, bool):
            raise ClientError("invalid_value", "audio_end_ms must be a number.", "audio_end_ms")
        response = self.server_events.response_of(item["id"])
        if response is None:
            message = "Only what the model said aloud can be truncated."
            raise ClientError("item_truncate_invalid_item_id", message, "item_id")
        # Clients round up, or truncate what they have played whole: that is no fault.
        heard_ms = round(min(max(end_ms, 0), response.reply.audio_ms))
        self.server_events.truncate(response, heard_ms)
        self._submit(PlaybackReport(response.reply.id, heard_ms, ended=True))
        place = {"item_id": item["id"], "content_index": index, "audio_end_ms": heard_ms}
        self._send({"type": "conversation.item.truncated", **place})

    def _create_response(self, event: Event) -> None:
        asked = _checked_response({} if event.get("response") is None else event["response"])
        if self.settings.is_transcription:
            message = "A transcription session does not respond."
            raise ClientError("invalid_request", message, "type")
        out_of_band = asked.get("conversation") == "none"
        if self.server_events.active and not out_of_band:
            message = "The conversation has an active response; cancel it or wait for its end."
            raise ClientError("conversation_already_has_active_response", message)
        if out_of_band and self.server_events.out_of_band_count >= MAX_OUT_OF_BAND:
            message = f"At most {MAX_OUT_OF_BAND} responses beside the conversation at once."
            raise ClientError("too_many_responses", message)
        context, options = self._asked_context(asked), self.settings.options(asked)
        append_transcript = asked.get("input") is None
        reply_id = uuid4()
        settings = self._response_settings(asked, out_of_band=out_of_band)
        self.server_events.create_response(reply_id, settings)
        self._submit(CreateResponse(reply_id, options, context, out_of_band, append_transcript))

    def _asked_context(self, asked: Mapping[str, Any]) -> tuple[Message, ...] | None:
        """The context of a response with instructions or an input of its own; None: it has the
        conversation's."""
        given, instructions = asked.get("input"), asked.get("instructions")
        if given is None and not instructions:
            return None
        most = django_settings.ENV.parley_context_tokens
        instructions = str(instructions or self.settings.instructions)
        if given is None:
            return self.items.messages(instructions, most)
        if not isinstance(given, list):
            raise ClientError("invalid_value", "response.input must be a list.", "response.input")
        chosen = [self._input(item) for item in given]
        return conversation.in_budget(instructions, chosen, most)

    def _input(self, item: Any) -> conversation.Item:
        if isinstance(item, dict) and item.get("type") == "item_reference":
            return self.items.get(item.get("id"), "item_reference_invalid_item_id")
        return _checked_item(item, "response.input")

    def _response_settings(
        self, asked: Mapping[str, Any], *, out_of_band: bool
    ) -> ResponseSettings:
        settings = self.server_events.default_response_settings()
        if modalities := asked.get("output_modalities"):
            settings.modalities = ["audio"] if "audio" in modalities else ["text"]
        settings.metadata = asked.get("metadata")
        if asked.get("max_output_tokens"):
            settings.max_output_tokens = asked["max_output_tokens"]
        if out_of_band:
            settings.conversation_id = None
        return settings

    def _cancel_response(self, event: Event) -> None:
        response = self.server_events.mark_cancelled(event.get("response_id"))
        if response is None:
            message = "There is no active response to cancel."
            raise ClientError("response_cancel_not_active", message)
        self._submit(InterruptReply(reply_id=response.reply.id))

    def _clear_output(self, event: Event) -> None:
        message = "On a WebSocket the client holds the output audio: stop playing it there."
        raise ClientError("unsupported_event", message, "type")

    _HANDLERS: Mapping[str, Callable[[ClientEvents, Event], None]] = {
        "session.update": _update_session,
        "transcription_session.update": _update_session,
        "input_audio_buffer.append": _append,
        "input_audio_buffer.commit": _commit,
        "input_audio_buffer.clear": _clear,
        "conversation.item.create": _create_item,
        "conversation.item.retrieve": _retrieve_item,
        "conversation.item.delete": _delete_item,
        "conversation.item.truncate": _truncate_item,
        "response.create": _create_response,
        "response.cancel": _cancel_response,
        "output_audio_buffer.clear": _clear_output,
    }


def _checked_response(asked: Any) -> dict[str, Any]:
    """The fields of a ``response.create``, validated by the SDK's own model; its input is validated
    item by item."""
    if not isinstance(asked, dict):
        raise ClientError("invalid_value", "response must be an object.", "response")
    fields = {k: v for k, v in asked.items() if v is not None and k != "input"}
    if "modalities" in fields:
        fields.setdefault("output_modalities", modern_modalities(fields.pop("modalities")))
    try:
        _responses.validate_python(fields, strict=True)
    except ValidationError as wrong:
        first = wrong.errors(include_url=False, include_input=False)[0]
        param = f"response.{first['loc'][0]}"
        raise ClientError("invalid_value", f"{param}: {first['msg']}.", param) from None
    most = fields.get("max_output_tokens", "inf")
    if most != "inf" and not 1 <= most <= MAX_TOKENS:
        message = f"max_output_tokens must be 1 to {MAX_TOKENS}, or 'inf'."
        raise ClientError("invalid_value", message, "response.max_output_tokens")
    return {**fields, "input": asked.get("input")}


def _checked_item(item: Any, param: str = "item") -> conversation.Item:
    """A client's item, long numbers in its texts masked. Raises ``ClientError``."""
    checked = conversation.checked(item, param)
    if django_settings.ENV.parley_redact:
        parts = checked["content"] if checked["type"] == "message" else [checked]
        for part in parts:
            for name in ("text", "transcript", "output"):
                if isinstance(part.get(name), str):
                    part[name] = Redactor().final(part[name])
    return checked

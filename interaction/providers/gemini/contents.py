"""A conversation in the shapes of Google's API."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from google.genai import types

from interaction.core.types import Message
from interaction.providers._shared.tool_call_parsing import arguments_of, bare_id, extra_of

UNSIGNED = b"skip_thought_signature_validator"
"""The documented signature of a call that this model did not make: it is from another provider."""


def contents_of(messages: Sequence[Message]) -> list[types.Content]:
    """The conversation; the results of one request's tools are one content, as the API wants it."""
    names = {call.id: call.name for message in messages for call in message.tool_calls}
    sent: list[types.Content] = []
    for message in messages:
        parts = _parts(message, names)
        if message.role == "system" or not parts:
            continue
        role = "model" if message.role == "assistant" else "user"
        if sent and sent[-1].role == role and sent[-1].parts:
            sent[-1].parts += parts
        else:
            sent.append(types.Content(role=role, parts=parts))
    return sent


def _parts(message: Message, names: dict[str, str]) -> list[types.Part]:
    if message.role == "tool":
        id_ = message.tool_call_id
        answer = types.FunctionResponse(
            id=bare_id(id_),
            name=names.get(id_, "tool"),
            response={"result": message.content},
        )
        return [types.Part(function_response=answer)]
    parts = [types.Part(text=message.content)] if message.content.strip() else []
    for call in message.tool_calls:
        signature = base64.b64decode(extra_of(call.id)) or None
        if not signature and call is message.tool_calls[0]:
            # Of calls made at once, only the first one has a signature.
            signature = UNSIGNED
        asked = types.FunctionCall(id=bare_id(call.id), name=call.name, args=arguments_of(call))
        parts.append(types.Part(function_call=asked, thought_signature=signature))
    return parts

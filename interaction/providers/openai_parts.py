"""What OpenAI's Realtime API is told, in its own shapes: a session, and items of a conversation."""

from __future__ import annotations

import json
from typing import Any

from interaction.core.turn_taking.engine_detected import EngineTurnDetection
from interaction.core.types import Message, ToolSpec
from interaction.providers.base import LineTerms, ProviderConfig

RATE = 24_000
TRANSCRIBED_BY = "gpt-transcribe"


def session(config: ProviderConfig, terms: LineTerms) -> dict[str, Any]:
    sound = {"type": "audio/pcm", "rate": RATE}
    transcription = {"model": TRANSCRIBED_BY}
    if config.language:
        transcription["language"] = config.language.split("-")[0]
    session: dict[str, Any] = {
        "type": "realtime",
        "instructions": terms.instructions,
        "output_modalities": ["audio"],
        "tools": [function(tool) for tool in terms.tools],
        "audio": {
            "input": {
                "format": sound,
                "transcription": transcription,
                "turn_detection": turn_detection(terms),
            },
            "output": {"format": sound},
        },
    }
    if config.voice:
        session["audio"]["output"]["voice"] = config.voice
    return session


def turn_detection(terms: LineTerms) -> dict[str, Any] | None:
    both = {"create_response": True, "interrupt_response": terms.barge_in}
    match terms.turns:
        case EngineTurnDetection(style="server") as turns:
            return {
                "type": "server_vad",
                "threshold": turns.threshold,
                "prefix_padding_ms": turns.prefix_ms,
                "silence_duration_ms": turns.silence_ms,
                **both,
            }
        case EngineTurnDetection(style="semantic"):
            return {"type": "semantic_vad", "eagerness": "auto", **both}
    return None


def function(tool: ToolSpec) -> dict[str, Any]:
    return {
        "type": "function",
        "name": tool.name,
        "description": tool.description,
        "parameters": json.loads(tool.parameters),
    }


def items(message: Message) -> list[dict[str, Any]]:
    """A line of the conversation as items of it."""
    if message.role == "tool":
        output = {"call_id": message.tool_call_id, "output": message.content}
        return [{"type": "function_call_output", **output}]
    items: list[dict[str, Any]] = [
        {
            "type": "function_call",
            "call_id": call.id,
            "name": call.name,
            "arguments": call.arguments,
        }
        for call in message.tool_calls
    ]
    if message.content:
        kind = "output_text" if message.role == "assistant" else "input_text"
        content = [{"type": kind, "text": message.content}]
        items.insert(0, {"type": "message", "role": message.role, "content": content})
    return items

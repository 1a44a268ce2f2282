"""Messages to OpenAI's Realtime API in its own shapes: a session, and items of a conversation."""

from __future__ import annotations

import json
from typing import Any

from interaction.core.turn_taking.engine_detected import EngineTurnDetection
from interaction.core.types import Message, ToolSpec
from interaction.providers.config import ProviderConfig
from interaction.providers.realtime_protocol import RealtimeSessionConfig

RATE = 24_000
"""Hz, of the audio in both directions."""
TRANSCRIPTION_MODEL = "gpt-transcribe"
"""Asked for to transcribe what the person says."""


def session_object(config: ProviderConfig, wanted: RealtimeSessionConfig) -> dict[str, Any]:
    audio_format = {"type": "audio/pcm", "rate": RATE}
    transcription = {"model": TRANSCRIPTION_MODEL}
    if config.language:
        transcription["language"] = config.language.split("-")[0]
    session: dict[str, Any] = {
        "type": "realtime",
        "instructions": wanted.instructions,
        "output_modalities": ["audio"],
        "tools": [function(tool) for tool in wanted.tools],
        "audio": {
            "input": {
                "format": audio_format,
                "transcription": transcription,
                "turn_detection": turn_detection(wanted),
            },
            "output": {"format": audio_format},
        },
    }
    if config.voice:
        session["audio"]["output"]["voice"] = config.voice
    return session


def turn_detection(wanted: RealtimeSessionConfig) -> dict[str, Any] | None:
    responses = {"create_response": True, "interrupt_response": wanted.barge_in}
    match wanted.turn_detection:
        case EngineTurnDetection(style="server") as detection:
            return {
                "type": "server_vad",
                "threshold": detection.threshold,
                "prefix_padding_ms": detection.prefix_ms,
                "silence_duration_ms": detection.silence_ms,
                **responses,
            }
        case EngineTurnDetection(style="semantic") as detection:
            return {"type": "semantic_vad", "eagerness": detection.eagerness, **responses}
    return None


def function(tool: ToolSpec) -> dict[str, Any]:
    return {
        "type": "function",
        "name": tool.name,
        "description": tool.description,
        "parameters": json.loads(tool.parameters),
    }


def conversation_items(message: Message) -> list[dict[str, Any]]:
    """A message of the conversation as items of it."""
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

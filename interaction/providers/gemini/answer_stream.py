"""The stream of an answer, made regular before the SDK reads it.

The SDK validates every chunk as a whole, and the first odd one ends the answer. Here each chunk is
reduced to what is taken of an answer: what it lacks, or has in an unusual shape, costs nothing but
that part of it.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2

from interaction.providers._shared.event_stream import EventStream, ServerEvent, error_code_in

UNSPECIFIED = (
    "FINISH_REASON_UNSPECIFIED",
    "BLOCK_REASON_UNSPECIFIED",
    "BLOCKED_REASON_UNSPECIFIED",
)
"""The API's words for nothing."""
TOKEN_COUNTS = ("promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount")
SERVER_ERROR = 500
"""The status of an error inside a stream that names none."""


async def make_regular(response: httpx2.Response) -> None:
    """A hook of an httpx2 client: have the answer's stream read through ``RegularStream``."""
    streamed = response.request.url.path.endswith(":streamGenerateContent")
    if streamed and response.is_success and "content-encoding" not in response.headers:
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        response.stream = RegularStream(response.stream)


class RegularStream(httpx2.AsyncByteStream):
    """The events of a stream, each one regular."""

    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        events = EventStream()
        async for data in self._stream:
            for event in events.feed(data):
                yield _line(event)
        for event in events.finish():
            yield _line(event)

    async def aclose(self) -> None:
        await self._stream.aclose()


def _line(event: ServerEvent) -> bytes:
    return b"data: " + json.dumps(regular_chunk(event)).encode() + b"\n\n"


def regular_chunk(event: ServerEvent) -> dict[str, Any]:
    """The chunk with the fields that are taken of one, each of its right type; or its error."""
    body = event.body
    code = error_code_in(event)
    if code is not None:
        status = _object(body.get("error")).get("code")
        known = isinstance(status, int) and 400 <= status < 600
        name = _object(body.get("error")).get("status") or code
        return {"error": {"code": status if known else SERVER_ERROR, "status": str(name)}}
    chunk: dict[str, Any] = {"candidates": [_candidate(body)]}
    if reason := _name(_object(body.get("promptFeedback")).get("blockReason")):
        chunk["promptFeedback"] = {"blockReason": reason}
    usage = _object(body.get("usageMetadata"))
    if counts := {name: usage[name] for name in TOKEN_COUNTS if _is_count(usage.get(name))}:
        chunk["usageMetadata"] = counts
    return chunk


def _candidate(body: dict[str, Any]) -> dict[str, Any]:
    """The first candidate, wherever it is: nobody asks for more than one."""
    candidates = body.get("candidates")
    if isinstance(candidates, list):
        candidates = next((one for one in candidates if isinstance(one, dict)), None)
    candidate = _object(candidates) or body
    content = candidate.get("content")
    if isinstance(content, str):
        content = {"parts": [content]}
    elif isinstance(content, list):
        content = {"parts": content}
    regular: dict[str, Any] = {
        "content": {"role": "model", "parts": list(_parts(_object(content).get("parts")))}
    }
    if reason := _name(candidate.get("finishReason")):
        regular["finishReason"] = reason
    return regular


def _parts(parts: Any) -> Iterator[dict[str, Any]]:
    for part in parts if isinstance(parts, list) else [parts]:
        if isinstance(part, str):
            yield {"text": part}
        elif isinstance(part, dict):
            call = part.get("functionCall")
            if isinstance(call, dict) and isinstance(call.get("name"), str):
                yield {"functionCall": _call(call), **_signature(part)}
            elif isinstance(part.get("text"), str):
                yield {"text": part["text"], "thought": bool(part.get("thought"))}


def _call(call: dict[str, Any]) -> dict[str, Any]:
    arguments = call.get("args", call.get("arguments"))
    if isinstance(arguments, str):
        with contextlib.suppress(ValueError, RecursionError):
            arguments = json.loads(arguments)
    regular = {"name": call["name"], "args": _object(arguments)}
    id_ = call.get("id")
    return {**regular, "id": id_} if isinstance(id_, str) else regular


def _signature(part: dict[str, Any]) -> dict[str, str]:
    """What has to come back with the call, where it is base64."""
    signature = part.get("thoughtSignature")
    if isinstance(signature, str):
        with contextlib.suppress(binascii.Error, ValueError):
            base64.b64decode(signature, validate=True)
            return {"thoughtSignature": signature}
    return {}


def _name(value: Any) -> str:
    """The API's own name of a reason; empty: there is none."""
    name = value.upper() if isinstance(value, str) else ""
    return "" if name in UNSPECIFIED else name


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}

"""What the tools of a reply did, as the messages that keep it in the context of later turns."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import groupby

from interaction.core.events import ToolInvoked
from interaction.core.types import Message, ToolCall

MOST_KEPT = 4_000
"""Characters of a call's arguments or of its result that stay in the context."""


def reply_messages(parts: Sequence[str], tools: Sequence[ToolInvoked]) -> list[Message]:
    """The assistant's text with its tool calls and their results in their places.

    ``parts``: the reply's text, cut where each round of calls was made: one more than there are
    rounds. What was not heard is not among them; what was done is, heard or not.
    """
    messages: list[Message] = []
    rounds = [list(calls) for _, calls in groupby(tools, lambda tool: tool.round)]
    for text, invoked in zip(parts, rounds, strict=False):
        calls = tuple(ToolCall(_id_of(one), one.tool, _kept_call(one)) for one in invoked)
        messages.append(Message("assistant", text, calls))
        messages += [
            Message("tool", _kept(result_for_model(one.status, one.result)), (), _id_of(one))
            for one in invoked
        ]
    if parts[-1]:
        messages.append(Message("assistant", parts[-1]))
    return messages


def places_of(tools: Sequence[ToolInvoked]) -> list[int]:
    """For each round of calls, how many of the reply's sentences were written before it."""
    return [next(calls).sentences for _, calls in groupby(tools, lambda tool: tool.round)]


def result_for_model(status: str, result: str) -> str:
    """The content of the tool message: JSON text in any case."""
    if status == "succeeded":
        return result
    return json.dumps({"error": result}, ensure_ascii=False, separators=(",", ":"))


def _id_of(invoked: ToolInvoked) -> str:
    """The call's id as its model gave it; a model that gave none gets nine characters, which every
    provider takes."""
    return invoked.call_id or invoked.invocation_id.hex[:9]


def _kept(text: str) -> str:
    if len(text) <= MOST_KEPT:
        return text
    return json.dumps({"beginning": text[:MOST_KEPT], "truncated": True}, ensure_ascii=False)


def _kept_call(invoked: ToolInvoked) -> str:
    """The arguments, a JSON object in any case: some APIs take nothing else."""
    try:
        is_object = isinstance(json.loads(invoked.arguments or "{}"), dict)
    except ValueError:
        is_object = False
    return _kept(invoked.arguments or "{}") if is_object else "{}"

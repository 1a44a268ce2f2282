"""What tools have said in a conversation, for a server that is offered none.

Some refuse calls and results where no tools are declared, others know neither. The results are then
part of what the person said last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from interaction.core.types import Message


def with_results_told(messages: Sequence[Message]) -> list[Message]:
    """The conversation without calls and results: what tools said is text of the person's."""
    names = {call.id: call.name for message in messages for call in message.tool_calls}
    told: list[Message] = []
    for message in messages:
        if message.role == "tool":
            text = f"[{names.get(message.tool_call_id, 'tool')}: {message.content}]"
            if told and told[-1].role == "user":
                told[-1] = replace(told[-1], content=f"{told[-1].content}\n\n{text}")
            else:
                told.append(Message("user", text))
        elif not message.tool_calls:
            told.append(message)
        elif message.content.strip():
            told.append(replace(message, tool_calls=()))
    return told

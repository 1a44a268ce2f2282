"""The items of a conversation, as OpenAI's clients see and change them.

The client keeps the conversation: a language model's context is made from these items alone.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

from openai.types.realtime import ConversationItem
from pydantic import TypeAdapter, ValidationError

from interaction.core.context_window import TokenEstimate
from interaction.core.types import Message, ToolCall
from interaction.edges.openai.errors import ClientError, new_id

Item = dict[str, Any]
_items: TypeAdapter[Any] = TypeAdapter(ConversationItem)


def checked(item: Any, param: str = "item") -> Item:
    """A client's item with its defaults. Raises ``ClientError``."""
    if not isinstance(item, dict):
        raise ClientError("invalid_value", f"{param} must be an object.", param)
    given = {name: value for name, value in item.items() if value is not None}
    whole = {"type": "message", **copy.deepcopy(given)}
    content = whole.get("content")
    if whole["type"] == "message" and whole.get("role") == "assistant":
        whole["content"] = list(map(_modern, content)) if isinstance(content, list) else content
    try:
        _items.validate_python(whole)
    except ValidationError as wrong:
        first = wrong.errors(include_url=False, include_input=False)[0]
        raise ClientError("invalid_value", f"{param}: {first['msg']}.", param) from None
    whole.setdefault("status", "completed")
    return {"id": new_id("item"), **whole, "object": "realtime.item"}


def _modern(part: Any) -> Any:
    """The beta called the parts of an assistant's message ``text`` and ``audio``."""
    if isinstance(part, dict) and part.get("type") in ("text", "audio"):
        return {**part, "type": f"output_{part['type']}"}
    return part


class Items:
    def __init__(self) -> None:
        self._items: dict[str, Item] = {}
        """By id, in the order of the conversation."""

    def __len__(self) -> int:
        return len(self._items)

    @property
    def last(self) -> str | None:
        return next(reversed(self._items), None)

    def insert(self, item: Item, after: Any = None) -> str | None:
        """Insert an item behind ``after`` (``root``: first; None: last); return the id it follows.

        Raises ``ClientError``.
        """
        if item["id"] in self._items:
            message = f"An item with id '{item['id']}' exists already."
            raise ClientError("item_create_duplicate_item_id", message, "item.id")
        if after is None or after == self.last:
            previous = self.last
            self._items[item["id"]] = item
            return previous
        if after == "root":
            self._items = {item["id"]: item, **self._items}
            return None
        if not isinstance(after, str) or after not in self._items:
            message = "previous_item_id: there is no such item."
            raise ClientError("item_create_invalid_previous_item_id", message, "previous_item_id")
        order = list(self._items)
        following = {key: self._items.pop(key) for key in order[order.index(after) + 1 :]}
        self._items |= {item["id"]: item, **following}
        return after

    def get(self, item_id: Any, code: str) -> Item:
        """The item; raises ``ClientError`` with ``code`` where there is none."""
        item = self._items.get(item_id) if isinstance(item_id, str) else None
        if item is None:
            raise ClientError(code, "There is no item with that item_id.", "item_id")
        return item

    def delete(self, item_id: Any) -> None:
        self.get(item_id, "item_delete_invalid_item_id")
        del self._items[item_id]

    def set_transcript(self, item_id: str, transcript: str) -> None:
        """What the person said in a spoken item of theirs."""
        if item := self._items.get(item_id):
            item["content"][0]["transcript"] = transcript

    def messages(self, instructions: str, most_tokens: int) -> tuple[Message, ...]:
        """A language model's context: the instructions, and the newest items that fit."""
        return in_budget(instructions, self._items.values(), most_tokens)


def in_budget(instructions: str, items: Iterable[Item], most_tokens: int) -> tuple[Message, ...]:
    """The instructions and as many of the newest items as fit, at least the last one."""
    first = (Message("system", instructions),) if instructions else ()
    groups = _groups(list(items))
    estimate = TokenEstimate()
    left = most_tokens - estimate.tokens(first)
    kept: list[Message] = []
    for group in reversed(groups):
        left -= estimate.tokens(group)
        if left < 0 and kept:
            break
        kept = [*group, *kept]
    return (*first, *kept)


def _groups(items: list[Item]) -> list[list[Message]]:
    """Messages that only make sense together: a tool's call and its result."""
    results = {i["call_id"]: i["output"] for i in items if i["type"] == "function_call_output"}
    groups: list[list[Message]] = []
    for item in items:
        if item["type"] == "message":
            if text := _text(item):
                groups.append([Message(item["role"], text)])
        elif item["type"] == "function_call" and item.get("call_id") in results:
            call = ToolCall(item["call_id"], item["name"], item["arguments"])
            result = Message("tool", results[call.id], tool_call_id=call.id)
            groups.append([Message("assistant", "", (call,)), result])
    return groups


def _text(item: Item) -> str:
    parts = (part.get("text") or part.get("transcript") or "" for part in item["content"])
    return "\n".join(part for part in parts if part)

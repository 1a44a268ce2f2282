"""The rows of what tools did in a turn, from the notes of the stage that ran them."""

from __future__ import annotations

from typing import Any

from interaction.bus.stage_messages import load
from interaction.core.events import ToolInvoked
from interaction.models import Task, ToolInvocation, Turn


def keep_invocations(turn: Turn, notes: dict[str, Any]) -> None:
    """Write them, or write them again: they go by their ids."""
    for name, noted in notes.items():
        if not name.startswith("tool:"):
            continue
        invoked: ToolInvoked = load(ToolInvoked, noted)
        task, _ = Task.objects.get_or_create(pk=invoked.task_id, defaults={"turn": turn})
        ToolInvocation.objects.update_or_create(
            pk=invoked.invocation_id,
            defaults={
                "task": task,
                "sequence": int(name.removeprefix("tool:")),
                "tool": without_nul(invoked.tool),
                "arguments": without_nul(invoked.arguments),
                "status": invoked.status,
                "result": without_nul(invoked.result),
                "ms": invoked.ms,
            },
        )


def without_nul(text: str) -> str:
    """PostgreSQL keeps no NUL in a text, and a provider may send one."""
    return text.replace("\0", "")

"""The rows of the tools that a turn ran, from its notes."""

from __future__ import annotations

from collections.abc import Mapping

from interaction.core.events import ToolInvoked
from interaction.models import Task, ToolInvocation, Turn


def keep_invocations(turn: Turn, tools: Mapping[int, ToolInvoked]) -> None:
    """Write them, or write them again: each row has its invocation's id. ``tools``: by place."""
    for index, invoked in tools.items():
        task, _ = Task.objects.get_or_create(pk=invoked.task_id, defaults={"turn": turn})
        ToolInvocation.objects.update_or_create(
            pk=invoked.invocation_id,
            defaults={
                "task": task,
                "sequence": index,
                "tool": without_nul(invoked.tool),
                "arguments": without_nul(invoked.arguments),
                "status": invoked.status,
                "result": without_nul(invoked.result),
                "ms": invoked.ms,
            },
        )


def without_nul(text: str) -> str:
    """PostgreSQL stores no NUL in a text, and a provider may send one."""
    return text.replace("\0", "")

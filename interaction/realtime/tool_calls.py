"""The tools that a realtime provider has run while it replies: told to the client, and noted."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from uuid import UUID, uuid4

from interaction.core.engine import SessionSpec
from interaction.core.events import EngineEvent, SessionEndRequested, ToolInvoked
from interaction.core.types import Message, ToolCall
from interaction.tools.base import Situation
from interaction.tools.invoking import invoke
from interaction.tools.table import TABLE, load, spec_of
from interaction.turn_records.note_fields import Note
from interaction.turn_records.recorder import TurnRecorder


class ToolCalls:
    def __init__(
        self, spec: SessionSpec, tell: Callable[[EngineEvent], None], keeping: TurnRecorder
    ) -> None:
        self._spec = spec
        self._tell = tell
        self._keeping = keeping
        self._tools = {name: load(name) for name in spec.tools if name in TABLE}
        self._invoked = 0
        self.specs = tuple(map(spec_of, self._tools.values()))

    async def answer(self, turn: UUID, reply: UUID, calls: Sequence[ToolCall]) -> list[Message]:
        """Run them one after the other; the results, in their order."""
        situation = Situation(self._spec.session_id, turn, self._spec.owner_id)
        results = [await self._answer(turn, reply, call, situation) for call in calls]
        if situation.session_over:
            self._tell(SessionEndRequested(reply))
        return results

    async def _answer(
        self, turn: UUID, reply: UUID, call: ToolCall, situation: Situation
    ) -> Message:
        began_at = time.monotonic()
        number, self._invoked = self._invoked, self._invoked + 1
        invoked = ToolInvoked(
            turn,
            reply,
            invocation_id=uuid4(),
            task_id=turn,
            tool=call.name,
            arguments=call.arguments,
            status="failed",
            result="It was stopped before it had finished.",
            ms=0.0,
        )
        self._keeping.note(turn, Note.tool(number, invoked))
        outcome = await invoke(self._tools, call, situation)
        ms = round(1000 * (time.monotonic() - began_at), 1)
        invoked = replace(invoked, status=outcome.status, result=outcome.result, ms=ms)
        self._keeping.note(turn, Note.tool(number, invoked))
        self._tell(invoked)
        return Message("tool", outcome.for_model(), tool_call_id=call.id)

"""The tools of one reply: run once its turn is committed, each told to the client and noted."""

from __future__ import annotations

import time
from collections.abc import Container, Sequence
from dataclasses import replace
from uuid import uuid4

from interaction.cascade.commit_gate import wait_for_commit
from interaction.cascade.stage import StageRun
from interaction.core.events import SessionEndRequested, ToolInvoked
from interaction.core.types import Message, ToolCall
from interaction.tools.base import Situation
from interaction.tools.invoking import Outcome, invoke
from interaction.tools.table import TABLE, load, spec_of
from interaction.turn_records.note_fields import Note

ENOUGH = Outcome("refused", "No more tools for this request: answer with what you know.")


class ToolCalls:
    def __init__(self, run: StageRun, but: Container[str] = ()) -> None:
        """``but``: names that the client's own tools have."""
        request = run.request
        assert request.reply_id is not None
        self._run = run
        self._reply = request.reply_id
        names = (name for name in request.spec.tools if name in TABLE and name not in but)
        self._tools = {name: load(name) for name in names}
        self._situation = Situation(request.spec.session_id, request.turn_id, request.spec.owner_id)
        self._invoked = 0
        self._ending = False
        self.specs = tuple(map(spec_of, self._tools.values()))

    @property
    def session_over(self) -> bool:
        """Whether a tool has asked for the session's end."""
        return self._situation.session_over

    async def answer(self, calls: Sequence[ToolCall], *, refuse: bool = False) -> list[Message]:
        """The results, in the order of the calls; waits until the turn is committed.

        One after the other: the second may build on what the first has done. ``refuse``: run none.
        """
        if calls and not self._run.request.committed:
            await wait_for_commit(self._run.redis, self._reply)
        results = [await self._answer(call, ENOUGH if refuse else None) for call in calls]
        if self.session_over and not self._ending:
            self._ending = True
            await self._run.emit(SessionEndRequested(self._reply))
        return results

    async def _answer(self, call: ToolCall, outcome: Outcome | None) -> Message:
        began_at = time.monotonic()
        number, self._invoked = self._invoked, self._invoked + 1
        invoked = ToolInvoked(
            self._run.request.turn_id,
            self._reply,
            invocation_id=uuid4(),
            # One turn is one request, so far: its task has its id.
            task_id=self._run.request.turn_id,
            tool=call.name,
            arguments=call.arguments,
            status="failed",
            result="It was stopped before it had finished.",
            ms=0.0,
        )
        self._note(number, invoked)  # what is known if nobody comes back to say more
        outcome = outcome or await invoke(self._tools, call, self._situation)
        ms = round(1000 * (time.monotonic() - began_at), 1)
        invoked = replace(invoked, status=outcome.status, result=outcome.result, ms=ms)
        self._note(number, invoked)
        await self._run.emit(invoked)
        return Message("tool", outcome.for_model(), tool_call_id=call.id)

    def _note(self, number: int, invoked: ToolInvoked) -> None:
        self._run.note(Note.tool(number, invoked))

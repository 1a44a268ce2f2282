"""Runs the tools that a language model calls while it writes one reply, in either mode."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from uuid import UUID, uuid4

from interaction.core.events import SessionEndRequested, ToolInvoked
from interaction.core.redaction import redacted_json
from interaction.core.types import Message, ToolCall
from interaction.tools.base import Tool, ToolContext
from interaction.tools.invoke import ToolOutcome, invoke

ENOUGH = ToolOutcome("refused", "No more tools for this request: answer with what you know.")

Emit = Callable[[ToolInvoked | SessionEndRequested], Awaitable[None]]
Note = Callable[[int, ToolInvoked], None]


class ToolCalls:
    """The tool calls of one reply, whose requests to the model may be several.

    Each call ends as a ``ToolInvoked`` event and as the tool message with its result.
    """

    def __init__(
        self,
        tools: Mapping[str, Tool],
        context: ToolContext,
        reply_id: UUID,
        *,
        emit: Emit,
        note: Note,
        wait_for_commit: Callable[[], Awaitable[None]] | None = None,
        redact: bool = False,
    ) -> None:
        """``tools``: those that the session allows, by name.

        ``emit`` sends an event to the conversation. ``note`` keeps what is known of the reply's
        n-th call (from 0) with the turn: once before it runs, once with its outcome.
        ``wait_for_commit``: for a reply that is prepared before its turn is sure to have ended;
        returns when the turn is committed. ``redact``: mask long numbers in what is told and kept
        of the calls; the model itself gets their results as they are.
        """
        self._tools = tools
        self._context = context
        self._reply_id = reply_id
        self._emit = emit
        self._note = note
        self._wait_for_commit = wait_for_commit
        self._redact = redact
        self._invoked = self._rounds = 0
        self._session_end_emitted = False

    @property
    def end_session_requested(self) -> bool:
        """Whether a tool has asked for the session's end."""
        return self._context.end_session_requested

    async def run(
        self, calls: Sequence[ToolCall], *, refuse: bool = False, sentences: int = 0
    ) -> list[Message]:
        """Run the calls, which were made at once, and return their results, in the same order.

        One after the other: the second may build on what the first has done. Nothing runs before
        the turn is committed. ``refuse``: run none, and have the model write without tools.
        ``sentences``: of the reply that were written before them.
        """
        if calls and self._wait_for_commit:
            await self._wait_for_commit()
        outcome = ENOUGH if refuse else None
        results = [await self._run_one(call, outcome, sentences) for call in calls]
        self._rounds += 1
        if self.end_session_requested and not self._session_end_emitted:
            self._session_end_emitted = True
            await self._emit(SessionEndRequested(self._reply_id))
        return results

    async def _run_one(
        self, call: ToolCall, outcome: ToolOutcome | None, sentences: int
    ) -> Message:
        started_at = time.monotonic()
        index, self._invoked = self._invoked, self._invoked + 1
        invoked = ToolInvoked(
            self._context.turn_id,
            self._reply_id,
            invocation_id=uuid4(),
            # One turn is one request, so far: its task has its id.
            task_id=self._context.turn_id,
            tool=call.name,
            arguments=self._masked(call.arguments),
            status="failed",
            result="It was stopped before it had finished.",
            ms=0.0,
            call_id=call.id,
            round=self._rounds,
            sentences=sentences,
        )
        self._note(index, invoked)  # kept as it is if this process dies meanwhile
        outcome = outcome or await invoke(self._tools, call, self._context)
        ms = round(1000 * (time.monotonic() - started_at), 1)
        result = self._masked(outcome.result)
        invoked = replace(invoked, status=outcome.status, result=result, ms=ms)
        self._note(index, invoked)
        await self._emit(invoked)
        return Message("tool", outcome.for_model(), tool_call_id=call.id)

    def _masked(self, text: str) -> str:
        return redacted_json(text) if self._redact else text

"""A tool that ends the session once the reply has been heard."""

from __future__ import annotations

from interaction.tools.base import Arguments, ToolContext


class Nothing(Arguments):
    """Takes no arguments."""


class EndSession:
    name = "end_session"
    description = (
        "Ends the conversation after your reply has been heard. Use it once the person has said "
        "goodbye or has asked to stop; say goodbye in the same reply."
    )
    arguments = Nothing
    timeout = 2.0

    async def run(self, arguments: Nothing, context: ToolContext) -> dict[str, bool]:
        context.end_session_requested = True
        return {"ends_after_this_reply": True}

"""What every socket's authentication has: a thread of its own, and how somebody is turned away."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from typing import Any

from asgiref.sync import ThreadSensitiveContext

from interaction.edges.close_codes import CloseCode


class AuthRefused(Exception):
    """The socket stays closed. ``message`` is for the person, ``code`` for programs."""

    def __init__(self, close_code: CloseCode, code: str, message: str) -> None:
        super().__init__(message)
        self.close_code = close_code
        self.code = code
        self.message = message


class SocketAuth(ABC):
    """Wraps a socket's application: finds out which user opened it, and adds them to its scope.

    Each socket gets a thread of its own for what must not run on the event loop: with the one
    thread that all would share, one slow query would hold up every socket of the process.
    """

    def __init__(self, app: Any) -> None:
        self._app = app

    @abstractmethod
    async def authenticate(self, scope: dict[str, Any]) -> dict[str, Any]:
        """What the scope gets, at least ``user``. Raises ``AuthRefused``."""

    @abstractmethod
    def encode_refusal(self, refusal: AuthRefused) -> str:
        """The text frame that tells the client why."""

    def subprotocol(self, scope: dict[str, Any]) -> str | None:
        """The one of those offered that the socket is accepted with."""
        return None

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        scope = {**scope, "subprotocol": self.subprotocol(scope)}
        async with ThreadSensitiveContext():
            try:
                facts = await self.authenticate(scope)
            except AuthRefused as refusal:
                await self._turn_away(refusal, scope, receive, send)
            else:
                await self._app({**scope, **facts}, receive, send)

    async def _turn_away(
        self, refusal: AuthRefused, scope: dict[str, Any], receive: Any, send: Any
    ) -> None:
        """Accepted first, then closed with a code and a reason: a browser's script cannot read the
        HTTP status of a handshake that failed."""
        await receive()
        close = {"type": "websocket.close", "code": refusal.close_code, "reason": refusal.code}
        with contextlib.suppress(Exception):  # whoever has gone needs no answer
            await send({"type": "websocket.accept", "subprotocol": scope["subprotocol"]})
            await send({"type": "websocket.send", "text": self.encode_refusal(refusal)})
            await send(close)


async def reject_unknown_path(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """No socket lives at this address: the handshake is refused."""
    await receive()
    with contextlib.suppress(Exception):  # as above
        await send({"type": "websocket.close"})

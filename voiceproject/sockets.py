"""Daphne's web sockets, with two things added: senders are held back, and closes carry reasons.

Daphne writes whatever it is given, so what a client does not read would pile up in this process.
"""

from __future__ import annotations

import asyncio
from typing import Any

from daphne.server import Server
from daphne.ws_protocol import WebSocketProtocol
from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer  # type: ignore[import-untyped]

LONGEST_REASON = 123
"""Bytes of a close frame's reason."""


@implementer(IPushProducer)
class Valve:
    """Shut while the transport's buffer is full; a closed connection holds nobody back."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.open.set()

    def pauseProducing(self) -> None:
        self.open.clear()

    def resumeProducing(self) -> None:
        self.open.set()

    def stopProducing(self) -> None:
        self.open.set()


class Socket(WebSocketProtocol):  # type: ignore[misc]
    valve: Valve | None = None

    def onOpen(self) -> None:
        super().onOpen()
        self.valve = Valve()
        # The HTTP side of the connection was its producer; it has nothing to send any more.
        self.transport.unregisterProducer()
        self.transport.registerProducer(self.valve, True)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        if self.valve:
            self.valve.resumeProducing()
        super().onClose(wasClean, code, reason)

    def serverClose(self, code: int | None = None, reason: str = "") -> None:
        """With any code: autobahn's own method refuses those of the standard, such as 1001."""
        cut = reason.encode()[:LONGEST_REASON].decode(errors="ignore").encode()
        self.sendCloseFrame(code or 1000, cut or None, isReply=False)


class BackPressureServer(Server):  # type: ignore[misc]
    async def handle_reply(self, protocol: Any, message: dict[str, Any]) -> None:
        """Returns once the client has taken most of what was sent before."""
        closes = message["type"] == "websocket.close" and isinstance(protocol, Socket)
        if closes and protocol.state == protocol.STATE_OPEN:
            protocol.serverClose(message.get("code"), message.get("reason") or "")
            return
        await super().handle_reply(protocol, message)
        valve = getattr(protocol, "valve", None)
        if valve is not None:
            await valve.open.wait()

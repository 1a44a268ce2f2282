"""The web server: daphne, with uploads kept in memory and bounded, large socket messages, and
senders that are held back by slow clients.

    python -m voiceproject.web

Twisted writes request bodies over 100 kB to a temporary file; with recording off, no audio may
reach a disk.
"""

from __future__ import annotations

import io
import logging
import os
from typing import Any

import django
from daphne import http_protocol
from daphne.cli import CommandLineInterface
from daphne.ws_protocol import WebSocketFactory

from voiceproject.sockets import BackPressureServer, Socket, Valve

SOCKET_BYTES = 24 * 1024 * 1024
"""Longest message on a socket: 15 MiB of audio, which is what OpenAI's clients may append at once,
is 20 MiB in base64. Daphne closes the socket without a word beyond its limit."""

logger = logging.getLogger(__name__)


class Body(io.BytesIO):
    """A request's body, up to a limit; beyond it, bytes are counted and dropped."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.limit = limit
        self.received = 0

    def write(self, data: object) -> int:
        assert isinstance(data, bytes)
        self.received += len(data)
        if self.received > self.limit:
            self.truncate(0)
            return len(data)
        return super().write(data)


class Request(http_protocol.WebRequest):  # type: ignore[misc]
    """Of a body that is too long, Django gets the length and nothing else, and says so (413)."""

    valve: Valve | None = None

    def gotLength(self, length: int | None) -> None:
        from django.conf import settings

        # Django parses forms; Twisted would do it first, on the event loop.
        self._parsePOSTFormSubmission = False
        self.content = Body(settings.MAX_BODY_BYTES)

    def handle_reply(self, message: dict[str, Any]) -> None:
        """Of an answer that is made while it is sent, no more is taken than the client takes."""
        streams = message["type"] == "http.response.body" and message.get("more_body")
        if streams and self.valve is None and self.channel and not self.finished:
            self.valve = Valve()
            self.registerProducer(self.valve, True)
        super().handle_reply(message)

    def finish(self) -> None:
        if self.valve:
            self.unregisterProducer()
        super().finish()

    def connectionLost(self, reason: object) -> None:
        if self.valve:
            self.valve.resumeProducing()
        super().connectionLost(reason)

    def process(self) -> object:
        if self.content.received > self.content.limit:
            self.requestHeaders.setRawHeaders(b"content-length", [b"%d" % self.content.received])
        return super().process()


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "voiceproject.settings")
    django.setup()
    from django.conf import settings

    # Daphne's factories look their classes up here.
    http_protocol.WebRequest = Request
    WebSocketFactory.protocol = Socket
    CommandLineInterface.server_class = BackPressureServer
    CommandLineInterface().run(
        [
            *("--bind", settings.ENV.parley_host, "--port", str(settings.ENV.port)),
            *("--websocket-max-message-size", str(SOCKET_BYTES)),
            *("--websocket-max-frame-size", str(SOCKET_BYTES)),
            *("--verbosity", "0", "--no-server-name"),
            # Sessions end when their sockets do: a few seconds for their last words.
            *("--application-close-timeout", "5"),
            "voiceproject.asgi:application",
        ]
    )


if __name__ == "__main__":
    main()

"""Somebody who calls an installation from outside: over its socket, and by REST."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.request
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.error import HTTPError

from interaction.talk.client import Talk, hold_conversation
from voiceproject.testing.installation import PATIENCE, Installation


async def eventually(what: str, true: Callable[[], Any], within: float = PATIENCE) -> Any:
    """The first true answer of ``true()``, which may block; fails with ``what``."""
    give_up_at = time.monotonic() + within
    while not (answer := await asyncio.to_thread(true)):
        assert time.monotonic() < give_up_at, f"not within {within} s: {what}"
        await asyncio.sleep(0.05)
    return answer


def measured(what: str) -> None:
    """Print a figure (``pytest -s`` shows it) that is not asserted: machines differ."""
    print(what)  # noqa: T201


@dataclass
class EventLog:
    """Every event that a session's client got, and when, in monotonic seconds."""

    received: list[tuple[float, dict[str, Any]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._news = asyncio.Event()

    def __call__(self, event: dict[str, Any]) -> None:
        self.received.append((time.monotonic(), event))
        self._news.set()

    def all(self, type: str) -> list[dict[str, Any]]:
        return [event for _, event in self.received if event["type"] == type]

    async def until(self, type: str, since: int = 0, **facts: Any) -> tuple[float, dict[str, Any]]:
        """The first event, past (but for the first ``since``) or to come, that has these facts."""
        wanted = {"type": type, **facts}.items()
        async with asyncio.timeout(PATIENCE):
            while True:
                for at, event in self.received[since:]:
                    if wanted <= event.items():
                        return at, event
                self._news.clear()
                await self._news.wait()


@dataclass
class Caller:
    """Bears a token of the installation's owner."""

    parley: Installation
    token: str

    async def call(
        self,
        conversation: Callable[[Talk, EventLog], Awaitable[None]],
        events: EventLog | None = None,
        **settings: Any,
    ) -> EventLog:
        """Hold a conversation over a real socket, microphone and loudspeaker included.

        Raises ``TalkFailed`` where the socket closes; what came until then is in ``events``.
        """
        events = events or EventLog()
        address = self.parley.url.replace("http", "ws", 1)
        await hold_conversation(
            address, self.token, events, lambda talk: conversation(talk, events), **settings
        )
        return events

    def get(self, path: str) -> Any:
        status, body = self.request("GET", path)
        assert status == 200, body
        return json.loads(body)

    def request(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, bytes]:
        """Status and body of an answer under ``/api/v1/``."""
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(
            f"{self.parley.url}/api/v1/{path}",
            body,
            {"Authorization": f"Bearer {self.token}", **names},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return answer.status, answer.read()
        except HTTPError as error:
            with error:
                return error.code, error.read()

    def upload(self, file: bytes) -> tuple[int, dict[str, Any]]:
        """Status and JSON of what the orchestrator answers to a recording."""
        body = (
            b"--x\r\nContent-Disposition: form-data; name=file; filename=a.wav\r\n\r\n"
            + file
            + b"\r\n--x--\r\n"
        )
        kind = "multipart/form-data; boundary=x"
        status, answer = self.request(
            "POST", "orchestrator", body, Accept="application/json", Content_Type=kind
        )
        result: dict[str, Any] = json.loads(answer)
        return status, result

    def turns(self, session_id: str) -> list[dict[str, Any]]:
        """What the history has of a session."""
        turns: list[dict[str, Any]] = self.get(f"interaction/sessions/{session_id}/turns")
        return turns

    def session(self, session_id: str) -> dict[str, Any]:
        session: dict[str, Any] = self.get(f"interaction/sessions/{session_id}")
        return session

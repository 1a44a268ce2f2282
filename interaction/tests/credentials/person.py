"""Somebody who uses a whole installation over its real web server, and keeps all that it says."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urldefrag, urljoin, urlsplit

import httpx2
from websockets.asyncio.client import connect

from voiceproject.testing.installation import Installation

PATIENCE = 40.0
"""Seconds until a test gives up: far more than anything takes on a busy machine."""
ADDRESSES = re.compile(r'(?:href|src|action|hx-get)="([^"]+)"')


MAKE = """
import json
from django.contrib.auth.models import User
from interaction.models import ApiToken
from voiceproject.sign_in import link_for

made = {{}}
for name in {names}:
    user = User.objects.create_superuser(name, f"{{name}}@example.org")
    made[name] = [ApiToken.make(user), link_for(user)]
print(json.dumps(made))
"""
"""One process for all of them: what each of its steps does as a command, other tests see."""


def make_people(parley: Installation, *names: str) -> dict[str, Person]:
    """Superusers, made where the installation is."""
    said = parley.manage("shell", "--no-imports", "--command", MAKE.format(names=names))
    return {name: Person(parley, name, *made) for name, made in json.loads(said).items()}


@dataclass
class Person:
    parley: Installation
    name: str
    token: str
    sign_in_link: str
    received: list[bytes] = field(default_factory=list)
    """Every answer and every message, whole."""

    def __post_init__(self) -> None:
        self.web = httpx2.Client(
            base_url=self.parley.url,
            follow_redirects=True,
            event_hooks={"response": [self._keep]},
            timeout=PATIENCE,
        )

    def _keep(self, response: httpx2.Response) -> None:
        self.received.append(response.read() + repr(response.headers.raw).encode())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.web.close()

    def sign_in(self) -> None:
        self.web.get("/sign-in/")
        token = urldefrag(self.sign_in_link).fragment
        assert self.submit("/sign-in/", token=token).url.path == "/"

    def submit(self, address: str, **fields: str) -> httpx2.Response:
        """Send a form, as the page does."""
        csrf = {"csrfmiddlewaretoken": self.web.cookies["csrftoken"]}
        response = self.web.post(address, data=fields | csrf)
        assert response.status_code == 200, response.status_code
        return response

    async def converse(self, pcm: bytes, turns: int, **choices: Any) -> None:
        """Say the same (mono s16le, 16 kHz) so many times, each to the end of its reply."""
        url = self.parley.url.replace("http", "ws", 1) + "/api/v1/orchestrator/ws"
        headers = {"Authorization": f"Bearer {self.token}"}
        manual = {"turn_detection": {"kind": "manual"}}
        async with (
            asyncio.timeout(PATIENCE),
            connect(url, additional_headers=headers, proxy=None, max_size=None) as socket,
        ):
            await socket.send(json.dumps({"type": "start_session", **manual, **choices}))
            for _ in range(turns):
                for at in range(0, len(pcm), 8_000):
                    await socket.send(pcm[at : at + 8_000])
                await socket.send('{"type": "commit"}')
                await self._until(socket, "response_ended")
            await socket.send('{"type": "end_session"}')
            await self._until(socket, "session_ended")

    async def _until(self, socket: Any, kind: str) -> None:
        async for frame in socket:
            self.received.append(frame.encode() if isinstance(frame, str) else frame)
            if isinstance(frame, str) and json.loads(frame)["type"] == kind:
                return
            assert not isinstance(frame, str) or '"type":"error"' not in frame, frame

    def visit_everything(self) -> set[str]:
        """Follow every link from every page, and call everything that the API lists."""
        waiting = ["/", "/settings/", "/history/", "/admin/", *self._api_addresses()]
        seen = set(waiting)
        while waiting:
            response = self.web.get(waiting.pop())
            if "text/html" not in response.headers.get("content-type", ""):
                continue
            for address in self._addresses(response):
                if address not in seen:
                    seen.add(address)
                    waiting.append(address)
        return seen

    def _addresses(self, response: httpx2.Response) -> Iterator[str]:
        for found in ADDRESSES.findall(response.text):
            parts = urlsplit(urljoin(str(response.url), found))
            ours = f"{parts.scheme}://{parts.netloc}" == self.parley.url
            if ours and not parts.path.startswith(("/static/", "/sign-out/")):
                yield parts.path

    def _api_addresses(self) -> list[str]:
        """GET alone; those of a session, for each of the person's."""
        paths = self.web.get("/api/v1/openapi.json").json()["paths"]
        sessions = self.web.get("/api/v1/interaction/sessions").json()["items"]
        ids = [session["id"] for session in sessions]
        return [
            path.replace("{session_id}", one)
            for path, methods in paths.items()
            if "get" in methods
            for one in (ids if "{session_id}" in path else [""])
            if "{" not in path.replace("{session_id}", "")
        ]

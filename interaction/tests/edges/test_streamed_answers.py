"""A real server makes a file while it is taken: slow clients cost it no memory."""

from __future__ import annotations

import asyncio
import io
import os
from urllib.parse import urlsplit
from zipfile import ZipFile

import psutil
import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.utils import timezone

from interaction.audio import wav
from interaction.models import Session, Turn
from voiceproject.testing.web import WebServer

LARGE = 96 * 1024 * 1024
"""Bytes of a recording: much more than what a server may grow by."""
MOST_GROWTH = 48 * 1024 * 1024


@pytest.fixture
def large(owner: User) -> Session:
    """A session with such a recording, which is a hole: it takes no room on the disk."""
    session = Session.objects.create(owner=owner, status=Session.Status.ENDED)
    turn = Turn(session=session, sequence=1, started_at=timezone.now(), end_reason="played")
    turn.user_audio.save(f"{turn.pk}-user.wav", ContentFile(wav.wrap(bytes(640), 16_000)))
    os.truncate(turn.user_audio.path, LARGE)
    return session


async def fetched(server: WebServer, path: str, token: str) -> tuple[bytes, int]:
    """The answer's body, taken a piece at a time, and by how many bytes the server grew."""
    process = psutil.Process(server.pid)
    before = process.memory_info().rss
    address = urlsplit(server.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port, limit=1 << 16)
    head = f"GET {path} HTTP/1.0\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n"
    writer.write(head.encode())
    assert b" 200 " in await reader.readline()
    while (await reader.readline()).strip():
        pass
    body, growth = io.BytesIO(), 0
    while piece := await reader.read(1 << 16):
        body.write(piece)
        growth = max(growth, process.memory_info().rss - before)
    writer.close()
    return body.getvalue(), growth


async def test_a_large_export_is_made_as_it_is_taken(
    web: WebServer, large: Session, token: str
) -> None:
    path = f"/api/v1/interaction/sessions/{large.pk}/export?format=zip"
    body, growth = await fetched(web, path, token)
    with ZipFile(io.BytesIO(body)) as archive:
        assert archive.getinfo(f"sessions/{large.pk}/audio/0001-user.wav").file_size == LARGE
    assert growth < MOST_GROWTH

"""Answers that are made while they are sent, a piece at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse
from django.utils import translation
from django.utils.http import content_disposition_header


def stream(
    request: HttpRequest,
    pieces: Iterator[bytes],
    content_type: str,
    filename: str,
    size: int | None = None,
) -> StreamingHttpResponse:
    """A file to be saved as ``filename``. ``pieces`` are made one after the other, as the client
    takes them, in the language of the request, and without the database."""
    language = translation.get_language()
    in_language = _in_language(pieces, language)
    # Under ASGI a plain iterator would be read into memory as a whole.
    is_async = isinstance(request, ASGIRequest)
    response = StreamingHttpResponse(
        _in_threads(in_language) if is_async else in_language, content_type=content_type
    )
    response["Content-Disposition"] = content_disposition_header(True, filename) or ""
    response["Cache-Control"] = "private, no-store"
    if size is not None:
        response["Content-Length"] = str(size)
    return response


def _in_language(pieces: Iterator[bytes], language: str | None) -> Iterator[bytes]:
    while True:
        with translation.override(language):
            piece = next(pieces, None)
        if piece is None:
            return
        if piece:
            yield piece


async def _in_threads(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    while (piece := await asyncio.to_thread(next, pieces, b"")) != b"":
        yield piece

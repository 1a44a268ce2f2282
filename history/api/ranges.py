"""Files with byte ranges, so that players can seek."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from functools import partial

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.db.models.fields.files import FieldFile
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

_RANGE = re.compile(r"bytes=(\d*)-(\d*)", re.ASCII)


class NotSatisfiable(Exception):
    """The range lies outside the file."""


def serve(file: FieldFile, header: str | None, content_type: str) -> HttpResponse:
    """The file, or the one range that the ``Range`` header asks for (RFC 9110, 14.2).

    Recordings are minutes long at most, so they are read as a whole.
    """
    size = file.size
    try:
        part = span(header, size)
    except NotSatisfiable:
        return _not_satisfiable(size)
    start, end = part or (0, size)
    with file.open("rb") as content:
        content.seek(start)
        body = content.read(end - start)
    response = HttpResponse(body, content_type=content_type, status=206 if part else 200)
    response["Accept-Ranges"] = "bytes"
    response["Cache-Control"] = "private, max-age=3600"
    if part:
        response["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    return response


def serve_made(
    request: HttpRequest,
    size: int,
    make: Callable[[int, int], Iterator[bytes]],
    *,
    content_type: str,
    version: str,
) -> HttpResponseBase:
    """A file of ``size`` bytes that ``make(start, end)`` makes as it is sent, or one range of it.

    ``version`` changes with its content: a player that has a part of another one (``If-Range``)
    gets the whole.
    """
    tag = f'"{version}"'
    same = request.headers.get("If-Range", tag) == tag
    try:
        part = span(request.headers.get("Range") if same else None, size)
    except NotSatisfiable:
        return _not_satisfiable(size)
    start, end = part or (0, size)
    response = stream(request, make(start, end), content_type=content_type)
    response["Accept-Ranges"] = "bytes"
    response["ETag"] = tag
    response["Content-Length"] = str(end - start)
    if part:
        response.status_code = 206
        response["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    return response


def stream(
    request: HttpRequest, parts: Iterator[bytes], *, content_type: str
) -> StreamingHttpResponse:
    """Send the parts as they are made: each on a thread, and the next one when there is room for
    it, so that nothing else of the process waits and no more than one is in memory."""
    # Under ASGI Django reads a plain iterator to its end before it sends anything.
    content = _off_loop(parts) if isinstance(request, ASGIRequest) else parts
    response = StreamingHttpResponse(content, content_type=content_type)
    response["Cache-Control"] = "private, no-cache"
    return response


async def _off_loop(parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    take = sync_to_async(partial(next, parts, None), thread_sensitive=False)
    try:
        while (part := await take()) is not None:
            yield part
    finally:
        if isinstance(parts, Generator):
            parts.close()


def _not_satisfiable(size: int) -> HttpResponse:
    return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})


def span(header: str | None, size: int) -> tuple[int, int] | None:
    """First byte and the one after the last. None: send everything, as for several ranges, or
    for a header that makes no sense. Raises ``NotSatisfiable``."""
    found = _RANGE.fullmatch(header.strip()) if header else None
    if not found or not any(found.groups()):
        return None
    first, last = found.groups()
    if not first:  # the last so many bytes
        start, end = max(size - int(last), 0), size
    else:
        start, end = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < int(first):
            return None
    if start >= size or start >= end:
        raise NotSatisfiable
    return start, end

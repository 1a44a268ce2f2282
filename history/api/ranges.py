"""Files with byte ranges, so that players can seek."""

from __future__ import annotations

import re

from django.db.models.fields.files import FieldFile
from django.http import HttpResponse

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
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
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

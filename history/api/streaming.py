"""Files that are made while they are sent, to be saved under a name."""

from __future__ import annotations

from collections.abc import Iterator

from django.http import HttpRequest, StreamingHttpResponse
from django.utils import translation
from django.utils.http import content_disposition_header

from history.api import ranges


def attachment(
    request: HttpRequest,
    pieces: Iterator[bytes],
    content_type: str,
    filename: str,
    size: int | None = None,
) -> StreamingHttpResponse:
    """``pieces`` are made one after the other, as the client takes them, in the language of the
    request, and without the database."""
    in_language = _in_language(pieces, translation.get_language())
    response = ranges.stream(request, in_language, content_type=content_type)
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
        yield piece

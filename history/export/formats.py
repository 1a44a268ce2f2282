"""The formats of an export: one session, or many in one file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from django.utils.translation import gettext_noop

from history.export import timings, transcripts, zip_file
from history.export.document import SessionExport
from interaction.models import Session

FormatName = Literal["json", "md", "txt", "csv", "zip"]


@dataclass(frozen=True, slots=True)
class Format:
    label: str
    """For people; English, to be translated."""
    content_type: str
    many: Callable[[Iterable[Session]], Iterator[bytes]]
    """The bytes of a file with these sessions, which are as ``document.load`` gives them."""
    one: Callable[[Session], Iterator[bytes]] | None = None
    """The same of one session, where that is another."""

    def of_one(self, session: Session) -> Iterator[bytes]:
        return self.one(session) if self.one else self.many([session])


def _json(session: Session) -> Iterator[bytes]:
    yield SessionExport.of(session).text().encode()


def _json_array(sessions: Iterable[Session]) -> Iterator[bytes]:
    before = b"[\n"
    for session in sessions:
        yield before + SessionExport.of(session).text().strip().encode()
        before = b",\n"
    yield b"[]\n" if before.startswith(b"[") else b"\n]\n"


def _joined(
    text: Callable[[Session], str], between: str
) -> Callable[[Iterable[Session]], Iterator[bytes]]:
    def many(sessions: Iterable[Session]) -> Iterator[bytes]:
        for index, session in enumerate(sessions):
            yield ((between if index else "") + text(session)).encode()

    return many


def _csv(sessions: Iterable[Session]) -> Iterator[bytes]:
    for line in timings.rows(sessions):
        yield line.encode()


FORMATS: dict[FormatName, Format] = {
    "zip": Format(gettext_noop("Everything, with audio (ZIP)"), "application/zip", zip_file.pieces),
    "json": Format(
        gettext_noop("Words and figures (JSON)"), "application/json", _json_array, _json
    ),
    "md": Format(
        gettext_noop("Transcript (Markdown)"),
        "text/markdown; charset=utf-8",
        _joined(transcripts.markdown, "\n---\n\n"),
    ),
    "txt": Format(
        gettext_noop("Transcript (text)"),
        "text/plain; charset=utf-8",
        _joined(transcripts.plain, f"\n{'-' * 72}\n\n"),
    ),
    "csv": Format(gettext_noop("Timings (CSV)"), "text/csv; charset=utf-8", _csv),
}

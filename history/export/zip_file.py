"""A ZIP of sessions with their audio, made while it is sent: no more of it is in memory than one
piece of a recording.

    sessions/<id>/session.json, transcript.md, transcript.txt, timings.csv, audio/0001-user.wav, …
    manifest.json

The manifest comes last: a ZIP that has one is whole. Apart from its ``exported_at``, the same
sessions make the same bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterable, Iterator
from datetime import UTC, datetime
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from django.utils import timezone

from history.export import timings, transcripts
from history.export.document import SIDES, SessionExport, audio_name
from history.export.manifest import (
    MANIFEST,
    ExportedFile,
    ExportedFolder,
    ExportManifest,
    folder_of,
)
from interaction.models import Session, Turn

PIECE = 256 * 1024


class _Pieces:
    """What was written and not taken yet. It cannot be sought in, so ``ZipFile`` streams."""

    def __init__(self) -> None:
        self._waiting: list[bytes] = []

    def write(self, data: bytes, /) -> int:
        self._waiting.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass

    def take(self) -> bytes:
        taken, self._waiting = b"".join(self._waiting), []
        return taken


class _Writer:
    def __init__(self) -> None:
        self.pieces = _Pieces()
        self.zip = ZipFile(self.pieces, "w")
        self.folders: list[ExportedFolder] = []

    def session(self, row: Session) -> Iterator[bytes]:
        folder = ExportedFolder(session_id=row.pk, files=[])
        document = SessionExport.of(row)
        for turn, exported in zip(row.turns.all(), document.turns, strict=True):
            for side in SIDES:
                if turn.audio(side) and not (yield from self._recording(folder, turn, side)):
                    setattr(exported, f"{side}_audio", None)
        for name, text in (
            ("session.json", document.text()),
            ("transcript.md", transcripts.markdown(row)),
            ("transcript.txt", transcripts.plain(row)),
            ("timings.csv", "".join(timings.rows([row]))),
        ):
            yield from self._file(folder, row.created_at, name, iter([text.encode()]))
        self.folders.append(folder)

    def finish(self) -> Iterator[bytes]:
        now = timezone.now()
        manifest = ExportManifest(exported_at=now, sessions=self.folders)
        text = manifest.model_dump_json(indent=2) + "\n"
        with self.zip.open(_info(MANIFEST, now, ZIP_DEFLATED), "w") as target:
            target.write(text.encode())
        self.zip.close()
        yield self.pieces.take()

    def _recording(
        self, folder: ExportedFolder, turn: Turn, side: str
    ) -> Generator[bytes, None, bool]:
        """Returns whether there is a file."""
        try:
            source = turn.audio(side).open("rb")
        except OSError:
            return False
        with source:
            pieces = iter(lambda: source.read(PIECE), b"")
            yield from self._file(folder, turn.started_at, audio_name(turn, side), pieces)
        return True

    def _file(
        self, folder: ExportedFolder, at: datetime, name: str, pieces: Iterator[bytes]
    ) -> Iterator[bytes]:
        path = f"{folder_of(folder.session_id)}/{name}"
        # Recordings hardly shrink, and making them smaller would take time from conversations.
        method = ZIP_STORED if name.endswith(".wav") else ZIP_DEFLATED
        size, digest = 0, hashlib.sha256()
        with self.zip.open(_info(path, at, method), "w") as target:
            for piece in pieces:
                target.write(piece)
                size += len(piece)
                digest.update(piece)
                yield self.pieces.take()
        yield self.pieces.take()
        folder.files.append(ExportedFile(name=name, size=size, sha256=digest.hexdigest()))


def _info(path: str, at: datetime, method: int) -> ZipInfo:
    info = ZipInfo(path, max((1980, 1, 1, 0, 0, 0), at.astimezone(UTC).timetuple()[:6]))
    info.compress_type = method
    info.external_attr = 0o600 << 16
    return info


def pieces(sessions: Iterable[Session]) -> Iterator[bytes]:
    """The ZIP's bytes. ``sessions``: as ``document.load`` gives them."""
    writer = _Writer()
    for session in sessions:
        yield from writer.session(session)
    yield from writer.finish()

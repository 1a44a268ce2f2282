"""Taking in a ZIP that ``history.export`` made, here or on another machine.

Everything in it is checked before anything is written. Then each session is written as a whole or
not at all, so that an import which was interrupted is simply done again: what is here already is
passed over.
"""

from __future__ import annotations

import hashlib
import shutil
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Any, NamedTuple, TypeVar
from uuid import UUID, uuid4
from zipfile import BadZipFile, ZipFile, ZipInfo

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils.translation import gettext as _
from pydantic import BaseModel, ValidationError

from history.export.document import SIDES, ExportedTurn, SessionExport
from history.export.manifest import (
    MANIFEST,
    ExportedFile,
    ExportedFolder,
    ExportManifest,
    folder_of,
)
from history.export.zip_file import PIECE
from history.models import Star, Tag, TurnAnnotation
from history.summaries import refresh
from interaction.core.metrics import METRICS
from interaction.models import DiscardedFile, Session, Task, ToolInvocation, Turn, TurnLatency
from interaction.sessions.create import settings_of

LARGEST_MANIFEST = 256 * 1024 * 1024
LARGEST_DOCUMENT = 64 * 1024 * 1024
"""Bytes of one session's JSON."""
LARGEST_FILE = 2 * 1024 * 1024 * 1024
DOCUMENT = "session.json"
AUDIO = frozenset(f"{side}_audio" for side in SIDES)
READ_ALONG = frozenset({DOCUMENT, "transcript.md", "transcript.txt", "timings.csv"})
LONGEST_NAME = 100
"""Characters of a name in the file that a message quotes."""

Model = TypeVar("Model", bound=BaseModel)


class ImportRefused(Exception):
    """The file cannot be imported; its text says why, for people."""


@dataclass
class ImportReport:
    imported: list[UUID] = field(default_factory=list)
    already_here: list[UUID] = field(default_factory=list)


def import_zip(file: IO[bytes], owner: Any) -> ImportReport:
    """Import the sessions in a ZIP for ``owner``, with the ids that they had. Raises
    ``ImportRefused``; nothing is imported then."""
    with _opened(file) as archive:
        for document in archive.checked():
            _refuse_others(document, owner)
        report = ImportReport()
        for folder in archive.manifest.sessions:
            if Session.objects.filter(pk=folder.session_id).exists():
                report.already_here.append(folder.session_id)
            else:
                _import_session(archive, archive.document(folder), owner)
                report.imported.append(folder.session_id)
        return report


class _Archive:
    """The ZIP, by its manifest."""

    def __init__(self, file: ZipFile) -> None:
        self._zip = file
        entries = file.infolist()
        twice = [
            name for name, count in Counter(one.filename for one in entries).items() if count > 1
        ]
        if twice:
            raise _damaged(twice[0])
        self._entries = {one.filename: one for one in entries}
        self.manifest = self._manifest()
        self._refuse_other_entries()

    def __enter__(self) -> _Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def checked(self) -> Iterator[SessionExport]:
        """Every session's document, after all of its files were read once. Raises
        ``ImportRefused``."""
        seen: set[UUID] = set()
        for folder in self.manifest.sessions:
            for one in folder.files:
                self._check(folder, one)
            document = self.document(folder)
            _check_document(document, folder)
            ids = {*_ids(document).all}
            if seen & ids:
                raise _damaged(folder_of(folder.session_id))
            seen |= ids
            yield document

    def document(self, folder: ExportedFolder) -> SessionExport:
        path = f"{folder_of(folder.session_id)}/{DOCUMENT}"
        if path not in self._entries:
            raise _damaged(path)
        text = self._text(path, LARGEST_DOCUMENT)
        return _parsed(SessionExport, text, DOCUMENT)

    def open(self, session_id: UUID, name: str) -> IO[bytes]:
        return self._zip.open(self._entries[f"{folder_of(session_id)}/{name}"])

    def _manifest(self) -> ExportManifest:
        if MANIFEST not in self._entries:
            raise ImportRefused(
                _("It is no export of Parley, or not the whole of it: it has no %(name)s.")
                % {"name": MANIFEST}
            )
        return _parsed(ExportManifest, self._text(MANIFEST, LARGEST_MANIFEST), MANIFEST)

    def _refuse_other_entries(self) -> None:
        """Every entry is one that the manifest names, so that no name leads anywhere else."""
        named = {MANIFEST}
        for folder in self.manifest.sessions:
            for one in folder.files:
                named.add(f"{folder_of(folder.session_id)}/{one.name}")
        if len(named) != 1 + sum(len(folder.files) for folder in self.manifest.sessions):
            raise ImportRefused(_("Its manifest names a file twice."))
        for name in sorted(named ^ self._entries.keys()):
            raise _damaged(name)
        size = sum(one.size for folder in self.manifest.sessions for one in folder.files)
        free = shutil.disk_usage(settings.DATA_DIR).free
        if size > free:
            raise ImportRefused(
                _("It holds %(size)d MB, and the disk has room for %(free)d MB.")
                % {"size": size // 1_000_000, "free": free // 1_000_000}
            )

    def _check(self, folder: ExportedFolder, one: ExportedFile) -> None:
        path = f"{folder_of(folder.session_id)}/{one.name}"
        limit = LARGEST_DOCUMENT if one.name in READ_ALONG else LARGEST_FILE
        size, digest = 0, hashlib.sha256()
        for piece in self._pieces(path, min(limit, one.size)):
            if not size and one.name not in READ_ALONG and not _is_wav(piece):
                raise _damaged(path)
            size += len(piece)
            digest.update(piece)
        if size != one.size or digest.hexdigest() != one.sha256:
            raise _damaged(path)

    def _text(self, path: str, limit: int) -> bytes:
        return b"".join(self._pieces(path, limit))

    def _pieces(self, path: str, limit: int) -> Iterator[bytes]:
        """The content of an entry; what grows beyond ``limit`` is not read on."""
        entry: ZipInfo = self._entries[path]
        if entry.file_size > limit or entry.flag_bits & 0x1:
            raise _damaged(path)
        left = limit
        try:
            with self._zip.open(entry) as source:
                while piece := source.read(PIECE):
                    left -= len(piece)
                    if left < 0:
                        raise _damaged(path)
                    yield piece
        except (BadZipFile, zlib.error, EOFError, NotImplementedError, OSError) as error:
            raise _damaged(path) from error


def _opened(file: IO[bytes]) -> _Archive:
    try:
        return _Archive(ZipFile(file))
    except (BadZipFile, ValueError, NotImplementedError, EOFError, OSError) as error:
        message = _("It is no ZIP file, or a damaged one. Fetch it again, and import that.")
        raise ImportRefused(message) from error


def _damaged(name: str) -> ImportRefused:
    shown = name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…"
    return ImportRefused(
        _("It is damaged, or was changed: %(name)s. Fetch it again, and import that.")
        % {"name": ascii(shown)}
    )


def _parsed(model: type[Model], text: bytes, name: str) -> Model:
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        wrong = error.errors(include_input=False, include_url=False)[0]
        if wrong["loc"] in (("version",), ("format",)):
            raise ImportRefused(
                _(
                    "%(name)s is of another version. Export it with this version of Parley, or "
                    "import it with that one."
                )
                % {"name": name}
            ) from error
        place = ".".join(map(str, wrong["loc"]))
        raise ImportRefused(
            _("%(name)s is not as it should be, at %(place)s: %(what)s.")
            % {"name": name, "place": place[:LONGEST_NAME], "what": wrong["msg"]}
        ) from error


def _is_wav(beginning: bytes) -> bool:
    return beginning[:4] == b"RIFF" and beginning[8:12] == b"WAVE"


class _Ids(NamedTuple):
    """Of the rows that a document brings."""

    turns: list[UUID]
    tasks: list[UUID]
    invocations: list[UUID]

    @property
    def all(self) -> list[UUID]:
        return [*self.turns, *self.tasks, *self.invocations]


def _ids(document: SessionExport) -> _Ids:
    tasks = [task for turn in document.turns for task in turn.tasks]
    return _Ids(
        [turn.id for turn in document.turns],
        [task.id for task in tasks],
        [one.id for task in tasks for one in task.invocations],
    )


def _check_document(document: SessionExport, folder: ExportedFolder) -> None:
    """Raises ``ImportRefused`` for what no export has, though each value in it is possible."""
    there = {one.name for one in folder.files}
    named = [
        name
        for turn in document.turns
        for side in SIDES
        if (name := getattr(turn, f"{side}_audio")) is not None
    ]
    ids = _ids(document)
    sound = (
        document.session.id == folder.session_id
        and all(len(set(some)) == len(some) for some in (*ids, named))
        and len({turn.sequence for turn in document.turns}) == len(document.turns)
        and set(named) == there - READ_ALONG
    )
    if not sound:
        raise _damaged(f"{folder_of(folder.session_id)}/{DOCUMENT}")
    try:
        settings_of(_session(document, owner_id=0))
    except (ValidationError, TypeError) as error:
        raise ImportRefused(
            _("The settings of session %(session)s are none that this version of Parley knows.")
            % {"session": folder.session_id}
        ) from error


def _refuse_others(document: SessionExport, owner: Any) -> None:
    """Raises ``ImportRefused`` where an id is taken by something that was not imported from it."""
    wanted, ids = document.session.id, _ids(document)
    if Session.objects.filter(pk=wanted).exclude(owner=owner).exists():
        raise ImportRefused(
            _("Session %(session)s is here already, and belongs to somebody else.")
            % {"session": wanted}
        )
    taken = (
        Turn.objects.filter(pk__in=ids.turns).exclude(session=wanted),
        Task.objects.filter(pk__in=ids.tasks).exclude(turn__session=wanted),
        ToolInvocation.objects.filter(pk__in=ids.invocations).exclude(task__turn__session=wanted),
    )
    if any(rows.exists() for rows in taken):
        raise ImportRefused(
            _("Turns of session %(session)s are here already, in another session.")
            % {"session": wanted}
        )


def _import_session(archive: _Archive, document: SessionExport, owner: Any) -> None:
    """Write one session: its files, then its rows in one transaction. Files without rows, of an
    import that was interrupted, are found by ``history.orphans``."""
    names: dict[tuple[UUID, str], str] = {}
    try:
        for turn in document.turns:
            for side in SIDES:
                if name := getattr(turn, f"{side}_audio"):
                    names[turn.id, side] = _keep(archive, document.session.id, turn, side, name)
        with transaction.atomic():
            _write_rows(document, owner, names)
    except BaseException:
        DiscardedFile.discard(names.values())
        raise


def _keep(archive: _Archive, session_id: UUID, turn: ExportedTurn, side: str, name: str) -> str:
    """Store a recording under a name that no file ever had."""
    path = f"audio/{session_id}/{turn.id}-{side}-{uuid4().hex[:8]}.wav"
    with archive.open(session_id, name) as source:
        return default_storage.save(path, File(source))


def _write_rows(document: SessionExport, owner: Any, audio: dict[tuple[UUID, str], str]) -> None:
    session = _session(document, owner_id=owner.pk)
    turns = [_turn_row(session, turn, audio) for turn in document.turns]
    Session.objects.bulk_create([session])
    Turn.objects.bulk_create(turns)
    # What is filled in when a row is made, here was filled in elsewhere.
    Session.objects.filter(pk=session.pk).update(created_at=document.session.created_at)
    for row, turn in zip(turns, document.turns, strict=True):
        row.created_at = turn.archived_at
    Turn.objects.bulk_update(turns, ["created_at"], batch_size=100)
    TurnLatency.objects.bulk_create(_latency_rows(document))
    TurnAnnotation.objects.bulk_create(
        TurnAnnotation(turn_id=turn.id, note=turn.note, rating=turn.rating or "")
        for turn in document.turns
        if turn.note or turn.rating
    )
    Task.objects.bulk_create(
        Task(pk=task.id, turn_id=turn.id) for turn in document.turns for task in turn.tasks
    )
    ToolInvocation.objects.bulk_create(
        ToolInvocation(task_id=task.id, sequence=place, **one.model_dump())
        for turn in document.turns
        for task in turn.tasks
        for place, one in enumerate(task.invocations)
    )
    Star.put([session.pk], document.session.starred)
    Tag.replace(session, document.session.tags)
    refresh([session.pk])


def _session(document: SessionExport, owner_id: int) -> Session:
    row = Session(owner_id=owner_id, **document.session.model_dump(exclude={"starred", "tags"}))
    if row.status == Session.Status.ACTIVE:  # there, when it was exported: never here
        row.status = Session.Status.ENDED
    return row


def _turn_row(session: Session, turn: ExportedTurn, audio: dict[tuple[UUID, str], str]) -> Turn:
    annotated = {"note", "rating"}
    not_columns = {"cut", "archived_at", "latency", "tasks", *annotated, *AUDIO}
    return Turn(
        session=session,
        cut=turn.cut or "",
        **{f"{side}_audio": audio.get((turn.id, side), "") for side in SIDES},
        **turn.model_dump(exclude=not_columns),
    )


def _latency_rows(document: SessionExport) -> Iterator[TurnLatency]:
    for turn in document.turns:
        if turn.latency is not None:
            figures = turn.latency.model_dump()
            columns = {metric.column: figures[metric.name] for metric in METRICS}
            yield TurnLatency(turn_id=turn.id, **columns)

"""Files that no row names, and rows that name a file which is gone.

Neither comes to be while all goes well: a process that was killed between a file and its row, a
storage that was restored from an older copy, or somebody with a broom leaves them behind.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from django.core.files.storage import default_storage
from django.db.models import QuerySet
from django.utils import timezone

from history.deletion import chunks
from history.export.document import SIDES
from history.models.batch import EXPORTS, files_of
from interaction.models import DiscardedFile, Session, Turn

logger = logging.getLogger(__name__)

YOUNG = timedelta(hours=1)
"""A file, or a turn, this young may just be in the making."""
FOLDERS_AT_ONCE = 200
AUDIO = "audio"


@dataclass
class Orphans:
    files: list[str] = field(default_factory=list)
    """Names of files that no row has."""
    turns: list[tuple[UUID, str]] = field(default_factory=list)
    """(turn, side) of recordings that are gone."""


def find() -> Orphans:
    """Look through the whole storage. What is young is passed over."""
    found = Orphans()
    folders = _folders(AUDIO)
    for chunk in chunks(folders, FOLDERS_AT_ONCE):
        # Rows first: a file that comes after them is young, and a row never comes before its file.
        named = _named(chunk)
        for folder in chunk:
            rows, files = named.get(folder, {}), _files(f"{AUDIO}/{folder}")
            found.files += _old(files - rows.keys())
            found.turns += [
                (turn.pk, side)
                for name, (turn, side) in rows.items()
                if name not in files and not _may_be_in_the_making(turn)
            ]
    found.turns += _without_folder(folders)
    exported = _files(EXPORTS)
    found.files += _old(exported - files_of(exported))
    return found


def remove(orphans: Orphans) -> None:
    """Discard the files, and take the lost recordings off their rows; what has come back, or has
    got a row meanwhile, stays."""
    for chunk in chunks(orphans.files, FOLDERS_AT_ONCE):
        named = _named({name.split("/")[1] for name in chunk})
        have_rows = {name for rows in named.values() for name in rows} | files_of(chunk)
        DiscardedFile.discard(name for name in chunk if name not in have_rows)
    while DiscardedFile.remove_files():
        pass
    for turn_id, side in orphans.turns:
        turn = Turn.objects.filter(pk=turn_id).first()
        if turn and (file := turn.audio(side)) and not default_storage.exists(str(file)):
            column = {f"{side}_audio": str(file)}
            Turn.objects.filter(pk=turn_id, **column).update(**{f"{side}_audio": ""})


def _folders(of: str) -> list[str]:
    try:
        return sorted(default_storage.listdir(of)[0])
    except FileNotFoundError:
        return []


def _files(folder: str) -> set[str]:
    try:
        return {f"{folder}/{name}" for name in default_storage.listdir(folder)[1]}
    except FileNotFoundError:
        return set()


def _old(names: Iterable[str]) -> Iterator[str]:
    for name in sorted(names):
        try:
            changed_at = default_storage.get_modified_time(name)
        except FileNotFoundError:
            continue
        if changed_at < timezone.now() - YOUNG:
            yield name


def _named(folders: Iterable[str]) -> dict[str, dict[str, tuple[Turn, str]]]:
    """{folder: {name: (turn, side)}} of all recordings that rows name."""
    named: dict[str, dict[str, tuple[Turn, str]]] = {}
    ids = [one for folder in folders if (one := _uuid(folder))]
    for turn in _recorded().filter(session__in=ids).select_related("session"):
        for side in SIDES:
            if turn.audio(side):
                named.setdefault(str(turn.session_id), {})[str(turn.audio(side))] = (turn, side)
    return named


def _without_folder(folders: list[str]) -> list[tuple[UUID, str]]:
    """(turn, side) of recordings whose session has no folder. Where the storage has none at all,
    it is away rather than empty, and nothing is lost."""
    if not folders:
        if _recorded().exists():
            logger.warning("the storage has no recordings at all: is it there?")
        return []
    have = set(folders)
    sessions = _recorded().order_by("session_id").values_list("session_id", flat=True).distinct()
    lost = [str(one) for one in sessions.iterator() if str(one) not in have]
    return [
        (turn.pk, side)
        for chunk in chunks(lost, FOLDERS_AT_ONCE)
        for rows in _named(chunk).values()
        for turn, side in rows.values()
        if not _may_be_in_the_making(turn)
    ]


def _recorded() -> QuerySet[Turn]:
    return Turn.objects.exclude(user_audio="", agent_audio="")


def _may_be_in_the_making(turn: Turn) -> bool:
    in_progress = turn.session.status == Session.Status.ACTIVE
    return in_progress or turn.created_at > timezone.now() - YOUNG


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None

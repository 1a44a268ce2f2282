"""How much is kept, and how much room there is for more."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

from django.core.files.storage import FileSystemStorage, default_storage
from django.db import DatabaseError, connection

from voiceproject.status.document import RoomNow

logger = logging.getLogger(__name__)

_SIZES = {
    "sqlite": "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
    "postgresql": "SELECT pg_database_size(current_database())",
}


def room_now(recordings: tuple[int, float] | None) -> RoomNow:
    """``recordings``: their bytes, and seconds since they were measured; None: not known."""
    free, whole = _disk() or (None, None)
    size, age = recordings or (None, None)
    return RoomNow(
        free=free,
        total=whole,
        recordings=size,
        recordings_age_s=age,
        database=_database(),
    )


def _disk() -> tuple[int, int] | None:
    """(free, all) bytes where recordings are kept, if that is a folder."""
    if not isinstance(default_storage, FileSystemStorage):
        return None
    folder = Path(default_storage.location)
    # It is made with the first recording.
    there = next((one for one in (folder, *folder.parents) if one.is_dir()), None)
    try:
        usage = shutil.disk_usage(there or folder)
    except OSError as error:
        logger.warning("the disk does not say its size: %s", type(error).__name__)
        return None
    return usage.free, usage.total


def _database() -> int | None:
    if (ask := _SIZES.get(connection.vendor)) is None:
        return None
    try:
        with connection.cursor() as cursor:
            cursor.execute(ask)
            return int(cursor.fetchone()[0])
    except DatabaseError as error:
        logger.warning("the database does not say its size: %s", type(error).__name__)
        return None

"""What a ZIP of sessions says of itself: which files it has, and their sums."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from interaction.sessions.settings import Text, WireModel

MANIFEST = "manifest.json"


class ExportedFile(WireModel):
    """A file of a session's folder, with what it is checked by."""

    name: Annotated[Text, Field(max_length=64)]
    """In the session's folder."""
    size: Annotated[int, Field(ge=0)]
    """How many bytes it has."""
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    """Its checksum, in hexadecimal digits."""


class ExportedFolder(WireModel):
    """The folder ``sessions/<session_id>/``."""

    session_id: UUID
    """Whose folder it is."""
    files: list[ExportedFile]
    """Everything that lies in it."""


class ExportManifest(WireModel):
    """What is in a ZIP of sessions."""

    format: Literal["parley.export"] = "parley.export"
    """By which a reader knows what this is."""
    version: Literal[1] = 1
    """Raised where an older reader would not understand it."""
    exported_at: datetime
    """When the ZIP was made, ISO 8601 in UTC."""
    sessions: list[ExportedFolder]
    """A folder each, in the order of the ZIP."""


def folder_of(session_id: UUID) -> str:
    return f"sessions/{session_id}"

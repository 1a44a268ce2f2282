"""What a ZIP of sessions says of itself: which files it has, and their sums."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from interaction.sessions.settings import Text, WireModel

MANIFEST = "manifest.json"


class ExportedFile(WireModel):
    name: Annotated[Text, Field(max_length=64)]
    """In the session's folder."""
    size: Annotated[int, Field(ge=0)]
    """Bytes."""
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class ExportedFolder(WireModel):
    """The folder ``sessions/<session_id>/``."""

    session_id: UUID
    files: list[ExportedFile]


class ExportManifest(WireModel):
    """What is in a ZIP of sessions."""

    format: Literal["parley.export"] = "parley.export"
    version: Literal[1] = 1
    exported_at: datetime
    sessions: list[ExportedFolder]


def folder_of(session_id: UUID) -> str:
    return f"sessions/{session_id}"

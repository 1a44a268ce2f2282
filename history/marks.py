"""What a person writes on a conversation: its title, a star, tags."""

from __future__ import annotations

from collections.abc import Sequence

from history.models import Star, Tag
from interaction.models import Session


def mark(
    session: Session,
    title: str | None = None,
    starred: bool | None = None,
    tags: Sequence[str] | None = None,
) -> None:
    """Keep what is given; None leaves things as they are."""
    if title is not None and title != session.title:
        session.title = title
        session.save(update_fields=["title"])
    if starred is not None:
        Star.put([session.pk], starred)
    if tags is not None:
        Tag.replace(session, tags)

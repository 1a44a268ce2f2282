"""What the search reads of a session: its words, a row a session."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from interaction.models import Session


class SessionWords(models.Model):
    """Follows from the session's title and turns: ``history/summaries.py`` keeps it.

    The database keeps the index beside it: on SQLite an FTS5 table that triggers fill, on
    PostgreSQL a generated ``tsvector`` (migration ``session_words``).
    """

    id = models.BigAutoField(primary_key=True)
    session = models.OneToOneField(Session, on_delete=models.CASCADE, related_name="words")
    stream = models.TextField(_("words"))
    """As ``history.search.stream_of`` makes it."""

    class Meta:
        verbose_name = _("words")
        verbose_name_plural = _("words")

    def __str__(self) -> str:
        return f"words of {self.session_id}"

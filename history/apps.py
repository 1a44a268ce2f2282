from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import post_delete, post_migrate, post_save


class HistoryConfig(AppConfig):
    """What was kept of conversations: their REST resources and pages, filters and timelines."""

    name = "history"

    def ready(self) -> None:
        # Models can be imported only from here on.
        from history import summaries
        from history.hearing import peaks
        from interaction.models import Session, Turn, TurnLatency
        from interaction.models.session import session_changed

        post_save.connect(summaries.on_session_saved, sender=Session)
        post_save.connect(peaks.on_session_saved, sender=Session)
        session_changed.connect(summaries.on_session_changed)
        for sender in (Turn, TurnLatency):
            post_save.connect(summaries.on_turn_saved, sender=sender)
        post_delete.connect(summaries.on_turn_deleted, sender=Turn)
        post_migrate.connect(summaries.on_migrated, sender=self)

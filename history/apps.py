from __future__ import annotations

from django.apps import AppConfig


class HistoryConfig(AppConfig):
    """What was kept of conversations: their REST resources and pages, filters and timelines."""

    name = "history"

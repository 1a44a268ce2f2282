"""Sessions of which nothing is worth keeping: in which no word was said, or that never started."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q

from history.deletion import erase_in_chunks
from interaction.models import Session

MOST = 500
"""Sessions that one sweep deletes at most: the next one goes on."""


def sweep_silent(now: datetime) -> int:
    """Delete those older than ``PARLEY_SILENT_HOURS``, with their files; return how many they were.

    What the person starred, tagged or titled stays, and so does what is in progress.
    """
    hours: int = settings.ENV.parley_silent_hours
    if not hours:
        return 0
    old = Q(summary__silent=True, created_at__lt=now - timedelta(hours=hours))
    unmarked = Q(title="", star=None, tags=None)
    sessions = Session.objects.filter(old, unmarked).exclude(status=Session.Status.ACTIVE)
    swept = sessions.order_by("created_at").values_list("pk", flat=True)[:MOST]
    return erase_in_chunks(list(swept))

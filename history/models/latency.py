"""The turns' latencies by the hundred thousand, packed so that figures over any selection of them
are worked out in a moment. ``history/latency/blocks.py`` writes and reads these rows.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models

from interaction.models import Session


class LatencyBlock(models.Model):
    """Some hundred of an owner's sessions, with all their turns as one array.

    It is a copy of what the turns' rows say, and may be behind them: it is up to date where
    ``built`` is ``version`` and it has ``kept`` members.
    """

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    size = models.PositiveIntegerField(default=0)
    """Sessions that were ever put into it: a full one gets no more."""
    version = models.PositiveBigIntegerField(default=0)
    """Raised with every change of a member's turns, in the same transaction."""
    built = models.PositiveBigIntegerField(default=0)
    """The version that ``data`` shows."""
    kept = models.PositiveIntegerField(default=0)
    """Members when ``data`` was made: fewer now, where sessions were deleted since."""
    stamp = models.UUIDField(null=True)
    """Another one each time that ``data`` is made: what a process holds is this, or is old."""
    layout = models.CharField(max_length=16, blank=True)
    """Of the records in ``data``; an older one is not read."""
    served = models.JSONField(default=list)
    """Who served turns, each once: what a record's ``served`` counts in."""
    data = models.BinaryField(default=b"")
    """The turns, as an array of ``blocks.TURN``."""

    def __str__(self) -> str:
        return f"latencies {self.pk}"


class LatencyMember(models.Model):
    """In which block a session's turns are. It goes with its session."""

    session = models.OneToOneField(
        Session, on_delete=models.CASCADE, related_name="latency_member", primary_key=True
    )
    block = models.ForeignKey(LatencyBlock, on_delete=models.CASCADE, related_name="members")
    version = models.PositiveBigIntegerField(default=0)
    """The block's version since which the session's turns are as they are."""

    def __str__(self) -> str:
        return f"latencies of {self.session_id}"

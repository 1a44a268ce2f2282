"""What the history lists, filters and sorts of a session, worked out beforehand: a row a session.

Everything in it follows from the session, its turns and their latencies: ``history/summaries.py``
keeps it, and can write it anew at any time. Sessions by the hundred thousand are found by it in one
table, without counting their turns.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from interaction.models import Session

FOUND_BY = (
    "owner",
    "silent",
    "-created_at",
    "session",
    "search_id",
    "mode",
    "status",
    "language",
    "template",
    "interrupted_count",
    "failed_count",
    "p95_ms",
    "stt",
    "stt_model",
    "llm",
    "llm_model",
    "tts",
    "tts_model",
    "realtime",
    "realtime_model",
)


class SessionSummary(models.Model):
    OPENING_LENGTH = 200
    """Characters of the first words that are kept."""
    TOTALS_KEPT = 120
    """Turns whose totals are kept for the small picture: the session's first ones."""
    MODEL_LENGTH = 180
    """Characters of a model's name that are kept: PostgreSQL's indexes take some 2,700 bytes."""

    session = models.OneToOneField(
        Session, on_delete=models.CASCADE, related_name="summary", primary_key=True
    )
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(_("created"))
    """This, the owner, mode and status are copies of the session's."""
    mode = models.CharField(_("mode"), max_length=16)
    status = models.CharField(_("status"), max_length=16)
    silent = models.BooleanField(_("silent"), default=True)
    """Whether no turn holds a word of either side, or failed."""
    opening = models.CharField(_("opening words"), max_length=OPENING_LENGTH, blank=True)
    """The beginning of the first thing that the person said or typed."""
    language = models.CharField(_("language"), max_length=35, blank=True)
    """The BCP 47 tag that was chosen, of the mode's first stage; empty where none is known."""
    template = models.BigIntegerField(_("prompt template"), null=True)
    """Its id; there may be no such template any more."""
    duration_ms = models.BigIntegerField(_("duration, ms"), null=True)
    """From its start to its end; null until it ends, or where it never started."""
    search_id = models.BigIntegerField(null=True, unique=True, editable=False)
    """The id of the session's ``SessionWords``: what a search finds is looked up by this."""
    turn_count = models.PositiveIntegerField(_("turns"), default=0)
    interrupted_count = models.PositiveIntegerField(_("interrupted"), default=0)
    failed_count = models.PositiveIntegerField(_("failed"), default=0)
    p50_ms = models.FloatField(_("median total, ms"), null=True)
    """Of the turns' totals (``history.waterfall.total_ms``); null where no turn has one."""
    p95_ms = models.FloatField(_("95th percentile of the totals, ms"), null=True)
    totals = models.JSONField(_("totals, ms"), default=list)
    """[ms or null]: the total of each turn, in their order."""
    stt = models.CharField(_("speech to text"), max_length=100, blank=True)
    """A stage's provider as it was chosen; empty where the session's mode has no such stage."""
    stt_model = models.CharField(max_length=MODEL_LENGTH, blank=True)
    llm = models.CharField(_("language model"), max_length=100, blank=True)
    llm_model = models.CharField(max_length=MODEL_LENGTH, blank=True)
    tts = models.CharField(_("text to speech"), max_length=100, blank=True)
    tts_model = models.CharField(max_length=MODEL_LENGTH, blank=True)
    realtime = models.CharField(_("speech to speech"), max_length=100, blank=True)
    realtime_model = models.CharField(max_length=MODEL_LENGTH, blank=True)

    class Meta:
        indexes = (
            # Everything that filters look at, in the order of the list: it is counted and paged
            # within the index, whatever the filter.
            models.Index(fields=FOUND_BY, name="summary_found_by"),
            models.Index(fields=("owner", "-created_at", "session"), name="summary_newest"),
            models.Index(
                fields=("owner", "silent", "-turn_count", "-created_at", "session"),
                name="summary_most_turns",
            ),
            # Two more, of the longest and the slowest, are in the migration ``session_words``:
            # the databases differ in where they put what is unknown.
            # The last conversation of the same configuration.
            models.Index(
                fields=("owner", "mode", "llm", "realtime", "-created_at"), name="summary_alike"
            ),
        )
        verbose_name = _("summary")
        verbose_name_plural = _("summaries")

    def __str__(self) -> str:
        return f"summary of {self.session_id}"

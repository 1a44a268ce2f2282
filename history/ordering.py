"""In which orders conversations are listed: one declaration for REST and the page."""

from __future__ import annotations

from typing import Literal

from django.db.models import F, QuerySet
from django.utils.translation import gettext_lazy as _
from ninja import Schema

from history.models import SessionSummary

LATER = (F("created_at").desc(), F("session").asc())
SORTS = {
    "newest": (_("Newest"), LATER),
    "oldest": (_("Oldest"), (F("created_at").asc(), F("session").desc())),
    "longest": (_("Longest"), (F("duration_ms").desc(nulls_last=True), *LATER)),
    "turns": (_("Most turns"), (F("turn_count").desc(), *LATER)),
    "slowest": (_("Slowest (p95)"), (F("p95_ms").desc(nulls_last=True), *LATER)),
}


class Ordering(Schema):
    sort: Literal["newest", "oldest", "longest", "turns", "slowest"] = "newest"

    def order(self, summaries: QuerySet[SessionSummary]) -> QuerySet[SessionSummary]:
        return summaries.order_by(*SORTS[self.sort][1])

"""In which orders conversations are listed: one declaration for REST and the page."""

from __future__ import annotations

from typing import Literal, Self, cast

from django.db.models import F, QuerySet
from django.utils.translation import gettext_lazy as _
from ninja import Schema
from pydantic import ConfigDict

from history.models import SessionSummary

LATER = (F("created_at").desc(), F("session").asc())
SORTS = {
    "newest": (_("Newest"), LATER),
    "oldest": (_("Oldest"), (F("created_at").asc(), F("session").desc())),
    "longest": (_("Longest"), (F("duration_ms").desc(nulls_last=True), *LATER)),
    "turns": (_("Most turns"), (F("turn_count").desc(), *LATER)),
    "slowest": (_("Slowest (p95)"), (F("p95_ms").desc(nulls_last=True), *LATER)),
}


Sort = Literal["newest", "oldest", "longest", "turns", "slowest"]


class Ordering(Schema):
    model_config = ConfigDict(use_attribute_docstrings=True)

    sort: Sort = "newest"
    """In which order the list comes; what is unknown comes last."""

    @classmethod
    def of(cls, name: str) -> Self:
        """The newest first, where there is no such order."""
        return cls(sort=cast("Sort", name)) if name in SORTS else cls()

    def parameters(self) -> dict[str, str]:
        """As an address has it."""
        return {} if self == Ordering() else {"sort": self.sort}

    def order(self, summaries: QuerySet[SessionSummary]) -> QuerySet[SessionSummary]:
        return summaries.order_by(*SORTS[self.sort][1])
